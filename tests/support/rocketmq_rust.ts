import { startGuard } from "./guard.ts";
import { findFreePort } from "./ports.ts";
import { answers, listBrokers } from "./probe.ts";
import { progress } from "./progress.ts";
import { cacheFolder, withFileLock } from "./rocketmq_home.ts";
import { runChild } from "./run_child.ts";
import { ServerProcess } from "./server_process.ts";

/** The release of RocketMQ Rust whose servers are started, and whose client is built. */
export const RUST_VERSION = "1.0.0";

/** Options of cargo's release profile: quicker to build, and quick enough. */
const RUST_PROFILE = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "1",
  CARGO_PROFILE_RELEASE_DEBUG: "0",
} as const;

/** How a {@linkcode RustCluster} is made. Times are milliseconds. */
export interface RustClusterOptions {
  /** Number of brokers, all of them masters. Default 1. */
  brokers?: number;
  /** Until a broker checks back first. */
  timeout: number;
  /** Between two check rounds of a broker. */
  interval: number;
  /** How often a broker checks back before it discards. */
  checkMax: number;
  /** For how long a broker may keep op messages back. Default 200. */
  opBatch?: number;
}

/** A name server and brokers of RocketMQ Rust as processes, on loopback, in a temporary folder. */
export class RustCluster implements AsyncDisposable {
  readonly #folder: string;
  readonly #servers: ServerProcess[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Builds the servers if need be, and resolves when the name server knows every broker. */
  static async start(options: RustClusterOptions): Promise<RustCluster> {
    const bin = `${await prepareServers()}/bin`;
    const folder = await Deno.makeTempDir({ prefix: "rocketmq-rust-" });
    const cluster = new RustCluster(folder);
    try {
      await startGuard(folder);
      await cluster.#startNameServer(bin);
      for (let i = 0; i < (options.brokers ?? 1); i++) await cluster.#startBroker(bin, i, options);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The name server as a process. */
  get nameServer(): ServerProcess {
    return this.#servers[0]!;
  }

  /** The brokers as processes. */
  get brokers(): readonly ServerProcess[] {
    return this.#servers.slice(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }

  async #startNameServer(bin: string): Promise<void> {
    const { folder, env } = await this.#prepare("namesrv");
    const port = findFreePort(), address = `127.0.0.1:${port}`;
    await this.#start({
      ...{ name: "namesrv", address, folder, env },
      command: [
        `${bin}/rocketmq-namesrv-rust`,
        ...["--listenPort", String(port), "--bindAddress", "127.0.0.1"],
        ...["--rocketmqHome", folder, "--kvConfigPath", `${folder}/kvConfig.json`],
      ],
      isReady: () => answers(address),
    });
  }

  async #startBroker(bin: string, index: number, options: RustClusterOptions): Promise<void> {
    const name = `broker-${String.fromCharCode("a".charCodeAt(0) + index)}`;
    const { folder, env } = await this.#prepare(name);
    const port = findFreePort([-2, 1]), address = `127.0.0.1:${port}`;
    const nameServer = this.nameServer.address, file = `${folder}/conf/broker.toml`;
    await Deno.writeTextFile(file, configOf({ name, folder, nameServer, port, ...options }));
    await this.#start({
      ...{ name, address, folder, env },
      command: [`${bin}/rocketmq-broker-rust`, "-c", file, "-n", nameServer],
      isReady: async () =>
        await answers(address) &&
        (await listBrokers(nameServer).catch(() => [])).some((it) => it.name === name),
    });
  }

  async #start(options: ConstructorParameters<typeof ServerProcess>[0]): Promise<void> {
    const server = new ServerProcess(options);
    this.#servers.push(server);
    await server.start();
  }

  async #prepare(name: string): Promise<{ folder: string; env: Record<string, string> }> {
    const folder = `${this.#folder}/${name}`;
    await Deno.mkdir(`${folder}/conf`, { recursive: true });
    const env = {
      ROCKETMQ_HOME: folder,
      HOME: folder,
      ROCKETMQ_SECURITY_PROFILE: "development-insecure-loopback",
    };
    return { folder, env };
  }
}

/** Where what cargo builds is kept, outside of this repository. */
async function rustHome(): Promise<string> {
  return Deno.env.get("ROCKETMQ_RUST_HOME") ||
    `${await cacheFolder()}/rocketmq-rust-${RUST_VERSION}`;
}

/** Builds both servers with cargo unless they are there. Takes an hour on two cores. */
async function prepareServers(): Promise<string> {
  const home = await rustHome();
  await Deno.mkdir(home, { recursive: true });
  return await withFileLock(`${home}/lock`, async () => {
    const isThere = (name: string) =>
      Deno.stat(`${home}/bin/${name}`).then(() => true, () => false);
    const names = ["rocketmq-namesrv-rust", "rocketmq-broker-rust"];
    if ((await Promise.all(names.map(isThere))).every(Boolean)) return home;
    progress(`Building RocketMQ Rust ${RUST_VERSION} with cargo into ${home}; this takes long`);
    const code = await runChild({
      command: "cargo",
      args: [
        ...["install", "--locked", "--root", home, "--target-dir", `${home}/target`],
        ...[`rocketmq-namesrv@${RUST_VERSION}`, `rocketmq-broker@${RUST_VERSION}`],
      ],
      env: RUST_PROFILE,
    });
    if (code !== 0) throw new Error(`Cannot build RocketMQ Rust: cargo ended with ${code}`);
    return home;
  });
}

/**
 * Builds a program that uses the client of RocketMQ Rust, and gives the path of its binary. What it
 * has in common with the servers is compiled once.
 *
 * @param crate Folder of its `Cargo.toml`.
 * @param name Of the binary.
 */
export async function buildRustProgram(crate: string, name: string): Promise<string> {
  const home = await rustHome(), copy = `${home}/${name}`;
  await Deno.mkdir(`${copy}/src`, { recursive: true });
  return await withFileLock(`${home}/lock`, async () => {
    for (const file of ["Cargo.toml", "src/main.rs"]) {
      await Deno.copyFile(`${crate}/${file}`, `${copy}/${file}`);
    }
    const code = await runChild({
      command: "cargo",
      args: [
        ...["build", "--quiet", "--release", "--manifest-path", `${copy}/Cargo.toml`],
        ...["--target-dir", `${home}/target`],
      ],
      env: RUST_PROFILE,
    });
    if (code !== 0) throw new Error(`Cannot build ${name}: cargo ended with ${code}`);
    return `${home}/target/release/${name}`;
  });
}

function configOf(
  { name, folder, nameServer, port, timeout, interval, checkMax, opBatch = 200 }:
    & RustClusterOptions
    & { name: string; folder: string; nameServer: string; port: number },
): string {
  return `[broker]
namesrvAddr = "${nameServer}"
brokerIp1 = "127.0.0.1"
listenPort = ${port}
storePathRootDir = "${folder}/store"
transactionTimeout = ${timeout}
transactionCheckInterval = ${interval}
transactionCheckMax = ${checkMax}
transactionOpBatchInterval = ${opBatch}

[broker.brokerServerConfig]
bindAddress = "127.0.0.1"

[broker.brokerIdentity]
brokerName = "${name}"
brokerClusterName = "TestCluster"
brokerId = 0

[store]
storeType = "LocalFile"
brokerRole = "ASYNC_MASTER"
storePathRootDir = "${folder}/store"
haListenAddress = "127.0.0.1"
haListenPort = ${port + 1}
`;
}
