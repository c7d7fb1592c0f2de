import { assert, assertEquals } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { sendingSteps } from "../integration/versions/sending_steps.ts";
import type { ServerUnderTest, VersionStep } from "../integration/versions/server_under_test.ts";
import { ownTimesSteps, transactionSteps } from "../integration/versions/transaction_steps.ts";
import { OWN_TIMES } from "../integration/versions/transaction_steps.ts";
import { startGuard } from "../support/guard.ts";
import { findFreePort } from "../support/ports.ts";
import { answers, listBrokers } from "../support/probe.ts";
import { eventually, print, progress, tell } from "../support/progress.ts";
import { cacheFolder, withFileLock } from "../support/rocketmq_home.ts";
import { runChild } from "../support/run_child.ts";
import { ServerProcess } from "../support/server_process.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

const VERSION = "1.0.0";

/** Milliseconds for what a check-back has to bring about. */
const PATIENCE = 60_000;

/** Where the binaries are kept, outside of this repository. */
async function rustHome(): Promise<string> {
  return Deno.env.get("ROCKETMQ_RUST_HOME") || `${await cacheFolder()}/rocketmq-rust-${VERSION}`;
}

/** Builds both servers with cargo unless they are there. Takes half an hour and more. */
async function prepareServers(): Promise<string> {
  const home = await rustHome();
  await Deno.mkdir(home, { recursive: true });
  return await withFileLock(`${home}/lock`, async () => {
    const isThere = (name: string) =>
      Deno.stat(`${home}/bin/${name}`).then(() => true, () => false);
    const names = ["rocketmq-namesrv-rust", "rocketmq-broker-rust"];
    if ((await Promise.all(names.map(isThere))).every(Boolean)) return home;
    progress(`Building RocketMQ Rust ${VERSION} with cargo into ${home}; this takes long`);
    const code = await runChild({
      command: "cargo",
      args: [
        ...["install", "--locked", "--root", home, "--target-dir", `${home}/target`],
        ...[`rocketmq-namesrv@${VERSION}`, `rocketmq-broker@${VERSION}`],
      ],
      env: { CARGO_PROFILE_RELEASE_OPT_LEVEL: "1", CARGO_PROFILE_RELEASE_DEBUG: "0" },
    });
    if (code !== 0) throw new Error(`Cannot build RocketMQ Rust: cargo ended with ${code}`);
    return home;
  });
}

/** The two servers as processes, on loopback, in a temporary folder. */
class RustServers implements AsyncDisposable {
  readonly nameServer: ServerProcess;
  readonly broker: ServerProcess;
  readonly #folder: string;

  private constructor(folder: string, nameServer: ServerProcess, broker: ServerProcess) {
    this.#folder = folder;
    this.nameServer = nameServer;
    this.broker = broker;
  }

  static async start(home: string): Promise<RustServers> {
    const folder = await Deno.makeTempDir({ prefix: "rocketmq-rust-" });
    await startGuard(folder);
    const env = (of: string) => ({
      ROCKETMQ_HOME: of,
      HOME: of,
      ROCKETMQ_SECURITY_PROFILE: "development-insecure-loopback",
    });
    const [nameServerFolder, brokerFolder] = [`${folder}/namesrv`, `${folder}/broker-a`];
    for (const home of [nameServerFolder, brokerFolder]) {
      await Deno.mkdir(`${home}/conf`, { recursive: true });
    }
    const nameServerPort = findFreePort(), port = findFreePort([-2, 1]);
    const nameServerAddress = `127.0.0.1:${nameServerPort}`, address = `127.0.0.1:${port}`;
    const nameServer = new ServerProcess({
      ...{ name: "namesrv", address: nameServerAddress, folder: nameServerFolder },
      command: [
        `${home}/bin/rocketmq-namesrv-rust`,
        ...["--listenPort", String(nameServerPort), "--bindAddress", "127.0.0.1"],
        ...["--rocketmqHome", nameServerFolder],
        ...["--kvConfigPath", `${nameServerFolder}/kvConfig.json`],
      ],
      env: env(nameServerFolder),
      isReady: () => answers(nameServerAddress),
    });
    const file = `${brokerFolder}/conf/broker.toml`;
    await Deno.writeTextFile(file, configOf(brokerFolder, nameServerAddress, port));
    const broker = new ServerProcess({
      ...{ name: "broker-a", address, folder: brokerFolder },
      command: [`${home}/bin/rocketmq-broker-rust`, "-c", file, "-n", nameServerAddress],
      env: env(brokerFolder),
      isReady: async () =>
        await answers(address) &&
        (await listBrokers(nameServerAddress).catch(() => [])).some((it) => it.name === "broker-a"),
    });
    const servers = new RustServers(folder, nameServer, broker);
    try {
      await nameServer.start();
      await broker.start();
      return servers;
    } catch (error) {
      await servers[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.kill();
    await this.nameServer.kill();
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }
}

function configOf(folder: string, nameServer: string, port: number): string {
  return `[broker]
namesrvAddr = "${nameServer}"
brokerIp1 = "127.0.0.1"
listenPort = ${port}
storePathRootDir = "${folder}/store"
transactionTimeout = ${OWN_TIMES.timeout}
transactionCheckInterval = ${OWN_TIMES.interval}
transactionCheckMax = ${OWN_TIMES.checkMax}
transactionOpBatchInterval = 200

[broker.brokerServerConfig]
bindAddress = "127.0.0.1"

[broker.brokerIdentity]
brokerName = "broker-a"
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

/** A producer whose messages say in their tags what becomes of them. */
function newProducer(
  nameServers: string,
  topic: string,
): TransactionProducer<LocalTransactionState> {
  return new TransactionProducer<LocalTransactionState>({
    ...{ nameServers, producerGroup: `${topic}-group`, topics: [topic], startTimeout: 30_000 },
    transactionCheckMax: OWN_TIMES.checkMax,
    logger: silentLogger,
    transactionListener: {
      executeLocalTransaction: (_message, state) => state,
      checkLocalTransaction: ({ tags }) => tags === "commit" ? Commit : Rollback,
    },
  });
}

/** What has to work for a team to use these servers. */
function ownSteps({ nameServer, broker }: RustServers): VersionStep[] {
  const { address: nameServers } = nameServer;
  const visible = async (topic: string) => {
    await using consumer = new TestClient(nameServers);
    return (await consumer.visibleMessages(topic).catch(() => [])).map((it) => it.messageId).sort();
  };
  const settle = async (topic: string, expected: readonly string[]) => {
    const isThere = async () => (await visible(topic)).length >= expected.length;
    await eventually(isThere, PATIENCE, 200);
    assertEquals(await visible(topic), [...expected].sort());
  };
  return [{
    name:
      "100 transactions with mixed verdicts, two of five by check-back: none lost, none invented",
    async run() {
      await using producer = newProducer(nameServers, "OwnMixed");
      await producer.start();
      const expected: string[] = [];
      for (let i = 0; i < 100; i++) {
        const verdict = i % 3 === 0 ? Rollback : Commit;
        const message = {
          topic: "OwnMixed",
          body: `${i}`,
          tags: verdict === Commit ? "commit" : "rb",
        };
        const sent = await producer.sendMessageInTransaction(
          message,
          i % 5 < 2 ? Unknown : verdict,
        );
        if (verdict === Commit) expected.push(sent.transactionId);
      }
      await settle("OwnMixed", expected);
    },
  }, {
    name: "a producer that was restarted settles what the one before left open",
    async run() {
      const first = newProducer(nameServers, "OwnRestarted");
      await first.start();
      const message = { topic: "OwnRestarted", body: "left", tags: "commit" };
      const { transactionId } = await first.sendMessageInTransaction(message, Unknown);
      await first.shutdown();
      await using second = newProducer(nameServers, "OwnRestarted");
      await second.start();
      await settle("OwnRestarted", [transactionId]);
    },
  }, {
    name: "a broker that was killed and restarted checks what it had, and takes more",
    async run() {
      await using producer = newProducer(nameServers, "OwnKilled");
      await producer.start();
      const message = { topic: "OwnKilled", body: "k", tags: "commit" };
      const before = await producer.sendMessageInTransaction(message, Commit);
      const open = await producer.sendMessageInTransaction(message, Unknown);
      await broker.kill();
      await broker.start();
      let after: string | undefined;
      const sends = async () => {
        after = (await producer.sendMessageInTransaction(message, Commit).catch(() => undefined))
          ?.transactionId;
        return after !== undefined;
      };
      assert(await eventually(sends, PATIENCE, 500), "no send succeeded after the restart");
      await settle("OwnKilled", [before.transactionId, open.transactionId, after!]);
    },
  }];
}

/** Runs what an application needs, and what the Java broker does; true if the former all passed. */
export async function runRustServers(): Promise<boolean> {
  const home = await prepareServers();
  await using servers = await RustServers.start(home);
  const nameServers = servers.nameServer.address;
  const version: ServerUnderTest = {
    ...{ nameServers, release: "5.5.0", serializeType: "JSON" },
    brokers: [{ name: "broker-a", brokerId: 0, address: servers.broker.address }],
    uniqueName: (prefix) => prefix,
  };
  print(`RocketMQ Rust ${VERSION} on ${nameServers}`);
  let isWell = true;
  for (const step of ownSteps(servers)) isWell = await passes(step, version, "FAILED") && isWell;
  tell("What the Java broker of 5.5.0 does, on these servers");
  for (const step of [...transactionSteps, ...ownTimesSteps, ...sendingSteps]) {
    await passes(step, version, "differs");
  }
  return isWell;
}

/** Takes the colours out of a comparison. */
function stripAnsiCode(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[\d;]*m/g, "");
}

async function passes(
  { name, run }: VersionStep,
  server: ServerUnderTest,
  word: string,
): Promise<boolean> {
  try {
    await run(server);
    print(`ok       ${name}`);
    return true;
  } catch (error) {
    const [reason, ...rest] = String(error instanceof Error ? error.message : error).split("\n");
    const lines = rest.filter((line) => /^[+-] {2,}\S/.test(stripAnsiCode(line))).slice(0, 8);
    print([`${word.padEnd(8)} ${name}: ${reason}`, ...lines].join("\n           "));
    return false;
  }
}
