import type { CredentialsOptions } from "../../src/access/mod.ts";
import type { RemotingRequest } from "../../src/remoting/mod.ts";
import { findFreePort } from "./ports.ts";
import { answers } from "./probe.ts";
import { findInstallation } from "./rocketmq_home.ts";
import { homeFiles, javaOptions, nameServerConfig, type ServerConfig } from "./server_config.ts";
import { ServerProcess } from "./server_process.ts";
import { TestClient } from "./test_client.ts";
import { testSecret } from "./secrets.ts";

/** Who may do everything. */
export const ADMIN: CredentialsOptions = { accessKey: "admin", secretKey: testSecret("of-admin") };

/** Who brokers are to name servers. */
const INNER: CredentialsOptions = { accessKey: "inner", secretKey: testSecret("of-brokers") };

/** AUTH_CREATE_USER and AUTH_CREATE_ACL. */
const CREATE_USER = 3001, CREATE_ACL = 3006;

const AUTH = "org.apache.rocketmq.auth";

/** Settings of a server that asks who sends a request, and whether they may. */
export const GUARDED: ServerConfig = {
  authenticationEnabled: "true",
  authenticationProvider: `${AUTH}.authentication.provider.DefaultAuthenticationProvider`,
  authenticationMetadataProvider:
    `${AUTH}.authentication.provider.LocalAuthenticationMetadataProvider`,
  authorizationEnabled: "true",
  authorizationProvider: `${AUTH}.authorization.provider.DefaultAuthorizationProvider`,
  authorizationMetadataProvider:
    `${AUTH}.authorization.provider.LocalAuthorizationMetadataProvider`,
  initAuthenticationUser: JSON.stringify({ username: ADMIN.accessKey, password: ADMIN.secretKey }),
  innerClientAuthenticationCredentials: JSON.stringify(INNER),
};

/** A resource, `Topic:orders`, and what a user may do with it: `Pub`, `Sub`, `Get`. */
export type Rights = Readonly<Record<string, readonly string[]>>;

/** Makes a user on servers, with rights. */
export async function createUser(
  addresses: readonly string[],
  { accessKey, secretKey }: CredentialsOptions,
  rights: Rights = {},
): Promise<void> {
  await using admin = new TestClient("", undefined, ADMIN);
  const user = { username: accessKey, password: secretKey, userType: "Normal" };
  const subject = `User:${accessKey}`;
  const entries = Object.entries(rights).map(([resource, actions]) => ({
    resource,
    actions,
    decision: "Allow",
  }));
  const acl = { subject, policies: [{ policyType: "Custom", entries }] };
  for (const address of addresses) {
    await ask(admin, address, CREATE_USER, { username: accessKey }, user);
    if (entries.length > 0) await ask(admin, address, CREATE_ACL, { subject }, acl);
  }
}

async function ask(
  admin: TestClient,
  address: string,
  code: number,
  extFields: Record<string, string>,
  body: unknown,
): Promise<void> {
  const request: RemotingRequest = {
    code,
    extFields,
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
  const answer = await admin.request(address, request);
  if (answer.code === 0) return;
  throw new Error(`Cannot administer ${address}: code ${answer.code}, ${answer.remark}`);
}

/**
 * Starts a name server that asks who sends a request. The release has this for brokers and proxies
 * only, so it is put before the name server here, by a program that has to be compiled: a JDK is
 * needed.
 */
export async function startGuardedNameServer(
  parentFolder: string,
  options: readonly string[] = [],
): Promise<ServerProcess> {
  const { java, javaMajor, classpath } = await findInstallation();
  const port = findFreePort();
  const address = `127.0.0.1:${port}`;
  const folder = `${parentFolder}/guarded-namesrv`;
  const overrides = { ...GUARDED, authConfigPath: `${folder}/auth` };
  const config = nameServerConfig({ folder, port, overrides });
  await Deno.mkdir(`${folder}/conf`, { recursive: true });
  await Deno.mkdir(`${folder}/tmp`);
  for (const [path, text] of Object.entries(homeFiles(config))) {
    await Deno.writeTextFile(`${folder}/${path}`, text);
  }
  const source = new URL("../integration/java/GuardedNameServer.java", import.meta.url).pathname;
  const process = new ServerProcess({
    name: "guarded-namesrv",
    address,
    folder,
    command: [
      java,
      ...javaOptions({ folder, javaMajor }),
      ...options,
      "-cp",
      classpath,
      source,
      "-c",
      `${folder}/conf/server.conf`,
    ],
    env: { ROCKETMQ_HOME: folder },
    isReady: () => answers(address),
  });
  await process.start();
  return process;
}
