import { assert, assertEquals } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { sendingSteps } from "../integration/versions/sending_steps.ts";
import type { ServerUnderTest, VersionStep } from "../integration/versions/server_under_test.ts";
import { ownTimesSteps, transactionSteps } from "../integration/versions/transaction_steps.ts";
import { OWN_TIMES } from "../integration/versions/transaction_steps.ts";
import { answerEachOther, type ForeignMember } from "../integration/versions/mixed_group.ts";
import { RocketMQCluster } from "../support/cluster.ts";
import { runJava } from "../support/java_program.ts";
import { eventually, print, tell } from "../support/progress.ts";
import { buildRustProgram, RUST_VERSION, RustCluster } from "../support/rocketmq_rust.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

const OFFICIAL = new URL("java/OnServer.java", import.meta.url).pathname;

/** A member of a group that uses the official client. */
const JAVA_MEMBER: ForeignMember = {
  name: "java",
  run: (args) =>
    runJava(new URL("../integration/java/GroupMember.java", import.meta.url).pathname, args),
};

/** Milliseconds for what a check-back has to bring about. */
const PATIENCE = 60_000;

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

/**
 * Waits until a consumer sees all transactions that were committed, and asserts that it sees no other.
 * What was committed just before its broker was killed may be visible twice.
 */
async function settled(
  nameServers: string,
  topic: string,
  committed: readonly string[],
  { mayRepeat = false }: { mayRepeat?: boolean } = {},
): Promise<void> {
  await using consumer = new TestClient(nameServers);
  let visible: string[] = [];
  const isSettled = async () => {
    const ids = (await consumer.visibleMessages(topic).catch(() => [])).map((it) => it.messageId);
    visible = mayRepeat ? [...new Set(ids)] : ids;
    return visible.length >= committed.length;
  };
  await eventually(isSettled, PATIENCE, 200);
  assertEquals(visible.sort(), committed.toSorted());
}

/** What has to work for a team to use these servers. */
function ownSteps(cluster: RustCluster): VersionStep[] {
  const { address: nameServers } = cluster.nameServer, broker = cluster.brokers[0]!;
  const settle = (topic: string, expected: readonly string[]) =>
    settled(nameServers, topic, expected);
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
    name: "of two members one leaves everything open, and the other one is asked too",
    async run() {
      await using first = newProducer(nameServers, "OwnTwo");
      await using second = newProducer(nameServers, "OwnTwo");
      await first.start();
      await second.start();
      const expected: string[] = [];
      for (let i = 0; i < 40; i++) {
        const tags = i % 3 === 0 ? "rollback" : "commit";
        const message = { topic: "OwnTwo", body: `${i}`, tags };
        const { transactionId } = await first.sendMessageInTransaction(message, Unknown);
        if (tags === "commit") expected.push(transactionId);
      }
      await settle("OwnTwo", expected);
      const answered = [first, second].map((it) => it.stats().confirmedVerdicts);
      assert(answered.every((count) => count > 0), `they answered ${answered.join(" and ")}`);
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
      const expected = [before.transactionId, open.transactionId, after!];
      await settled(nameServers, "OwnKilled", expected, { mayRepeat: true });
    },
  }];
}

/** The same with the official client, so that it shows whose fault a difference is. */
function officialSteps(cluster: RustCluster): VersionStep[] {
  const run = ({ nameServer }: RustCluster, part: string, topic: string, ...rest: string[]) =>
    runJava(OFFICIAL, [nameServer.address, part, topic, ...rest]);
  const committedOf = (lines: string[][]) =>
    lines.flatMap(([kind, id, tag]) => kind === "sent" && tag === "commit" ? [id!] : []).sort();
  return [{
    name: "official client: 100 transactions with mixed verdicts, two of five by check-back",
    async run() {
      const expected = committedOf(await run(cluster, "transactions", "JavaMixed"));
      await settled(cluster.nameServer.address, "JavaMixed", expected);
    },
  }, {
    name: "official client: it and the broker are killed, its successor settles what was open",
    async run() {
      // It takes longer to start than the broker of the other steps checks back.
      await using patient = await RustCluster.start({ ...OWN_TIMES, checkMax: 30 });
      const [broker] = patient.brokers, nameServers = patient.nameServer.address;
      const left = await run(patient, "leave", "JavaLeft");
      const expected = committedOf(left), open = left.filter(([kind]) => kind === "sent").at(-1)!;
      await broker!.kill();
      await broker!.start();
      await run(patient, "settle", "JavaLeft", open[1]!);
      await settled(nameServers, "JavaLeft", expected, { mayRepeat: true });
    },
  }];
}

/** What the official client makes of a server, by what it is about. */
async function officialFacts(nameServers: string): Promise<Map<string, string>> {
  const lines = await runJava(OFFICIAL, [nameServers, "facts", "Facts"]);
  return new Map(
    lines.filter(([kind]) => kind === "fact").map(([, about, value]) => [about!, value!]),
  );
}

/** Tells what the official client makes of these servers, beside what it makes of the Java broker. */
async function tellOfficialFacts({ nameServer }: RustCluster): Promise<void> {
  const facts = await officialFacts(nameServer.address);
  await using java = await RocketMQCluster.start({ version: "5.5.0" });
  const expected = await officialFacts(java.nameServers);
  for (const [about, value] of facts) {
    const isSame = value === expected.get(about);
    print(`${isSame ? "the same" : "differs "} ${about}: ${value}`);
    if (!isSame) print(`         on the Java broker: ${expected.get(about)}`);
  }
}

/** A member of a group that uses the client of RocketMQ Rust. */
async function rustMember(): Promise<ForeignMember> {
  const crate = new URL("rust_member", import.meta.url).pathname;
  const program = await buildRustProgram(crate, "rust-member");
  return {
    name: "rust",
    async run(args) {
      const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
      const decoder = new TextDecoder();
      assert(success, `${program} failed\n${decoder.decode(stdout)}\n${decoder.decode(stderr)}`);
      return decoder.decode(stdout).split("\n").map((line) => line.split("|"));
    },
  };
}

/** Members in Java, Rust and ours, on the servers of RocketMQ Rust and on those of Java. */
const MIXED_GROUP_STEPS: readonly VersionStep[] = [{
  name: "members of one group in Java, Rust and ours answer each other's check-backs",
  run: async (server) => await answerEachOther(server, [JAVA_MEMBER, await rustMember()]),
}, {
  name: "they do so on the Java broker, too",
  async run() {
    const members = [JAVA_MEMBER, await rustMember()];
    await using java = await RocketMQCluster.start({ version: "5.5.0" });
    const { nameServers, brokers } = java;
    await answerEachOther({ nameServers, brokers, uniqueName: (prefix) => prefix }, members);
  },
}];

/** Runs what an application needs, and what the Java broker does; true if the former all passed. */
export async function runRustServers(): Promise<boolean> {
  await using servers = await RustCluster.start(OWN_TIMES);
  const nameServers = servers.nameServer.address;
  const version: ServerUnderTest = {
    ...{ nameServers, release: "5.5.0", serializeType: "JSON" },
    brokers: [{ name: "broker-a", brokerId: 0, address: servers.brokers[0]!.address }],
    uniqueName: (prefix) => prefix,
  };
  print(`RocketMQ Rust ${RUST_VERSION} on ${nameServers}`);
  let isWell = true;
  const steps = [...ownSteps(servers), ...officialSteps(servers), ...MIXED_GROUP_STEPS];
  for (const step of steps) isWell = await passes(step, version, "FAILED") && isWell;
  tell("What the Java broker of 5.5.0 does, on these servers");
  for (const step of [...transactionSteps, ...ownTimesSteps, ...sendingSteps]) {
    await passes(step, version, "differs");
  }
  tell("What the official Java client makes of them");
  await tellOfficialFacts(servers);
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
