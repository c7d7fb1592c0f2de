import type { CertificateAuthority } from "./certificates.ts";

/** Files of a cluster whose servers take nothing but TLS, gone with this object. */
export interface TlsServerFiles extends AsyncDisposable {
  /** Options of the servers' Java virtual machines that name the files. */
  javaOptions: string[];
}

/** Makes the files for servers with a certificate for 127.0.0.1 and mq.example.com. */
export async function makeTlsServerFiles(authority: CertificateAuthority): Promise<TlsServerFiles> {
  const folder = await Deno.makeTempDir({ prefix: "rocketmq-tls-" });
  const server = await authority.issue("broker", { names: ["mq.example.com", "127.0.0.1"] });
  const settings = {
    "tls.server.mode": "enforcing",
    "tls.test.mode.enable": "false",
    "tls.server.certPath": await write("server.pem", server.cert),
    "tls.server.keyPath": await write("server.key", server.key),
    "tls.server.need.client.auth": "optional",
    "tls.server.authClient": "true",
    "tls.server.trustCertPath": await write("ca.pem", authority.cert),
    // Brokers are clients of the name servers.
    "tls.enable": "true",
    "tls.client.authServer": "true",
    "tls.client.trustCertPath": `${folder}/ca.pem`,
  };

  async function write(name: string, text: string): Promise<string> {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    return `${folder}/${name}`;
  }

  return {
    javaOptions: Object.entries(settings).map(([name, value]) => `-D${name}=${value}`),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
