import { bundleFor } from "../runtimes/bundle.ts";
import { prepareRuntime } from "../runtimes/runtimes.ts";
import { delay } from "../support/delay.ts";
import type { ChaosOptions } from "./arguments.ts";
import { FaultInjector, type InjectorOptions } from "./fault_injector.ts";
import { Group, MEMBER, type MemberProgram } from "./group.ts";
import { LineReader, type Row } from "./journal.ts";
import type { Evidence } from "./judge.ts";
import { drawSchedule } from "./schedule.ts";
import type { Testbed } from "./testbed.ts";
import { Witness } from "./witness.ts";

/** Milliseconds after the last send until what is not visible counts as lost. */
const PATIENCE = 90_000;

/** Milliseconds after which the sends must be over, beyond their own time. */
const SENDING_GRACE = 180_000;

/** Runs the workload under faults until all is settled, and gives all that is known of it. */
export async function runChaos(
  testbed: Testbed,
  options: ChaosOptions,
  onFault?: InjectorOptions["onFault"],
): Promise<Evidence> {
  const folder = await Deno.makeTempDir({ prefix: "chaos-" });
  try {
    const program = options.runtime && await prepareMember(folder, options.runtime);
    return await runIn(folder, testbed, options, onFault, program);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Makes of the members' program one that another runtime runs; Deno runs it as it is. */
async function prepareMember(
  folder: string,
  runtime: NonNullable<ChaosOptions["runtime"]>,
): Promise<MemberProgram> {
  const { command } = await prepareRuntime(runtime);
  if (runtime === "deno") {
    return { ...MEMBER, command: [...command, "run", "-A", "--no-check", "--quiet"] };
  }
  const member = MEMBER.module.href;
  const source = `import { main } from "${member}";\nawait main(JSON.parse(Deno.args[0]!));\n`;
  return { module: new URL(`file://${await bundleFor(folder, "member", source)}`), command };
}

async function runIn(
  folder: string,
  testbed: Testbed,
  options: ChaosOptions,
  onFault: InjectorOptions["onFault"],
  program: MemberProgram | undefined,
): Promise<Evidence> {
  const { seed, messages, rate, commits, localMs, checkMs, faults: counts } = options;
  const { topic, clientAddress, addressMap, brokers } = testbed;
  const database = `${folder}/database.jsonl`;
  await Deno.writeTextFile(database, "");
  await using group = new Group(folder, messages, options.members, {
    ...{ nameServers: clientAddress, topic, addressMap, database, seed, rate },
    mode: options.mode,
    producerGroup: "chaos",
    ...commits !== undefined && { commits },
    ...localMs !== undefined && { localMs },
    ...checkMs !== undefined && { checkMs },
  }, program);
  await using witness = new Witness(topic, () => testbed.masters());
  using rows = new DatabaseView(database);

  // A producer that is killed has to be followed by one that sends where other faults come, too.
  const resumesSending = Object.keys(counts).some((kind) => kind !== "producer") ||
    options.members > 1;
  const injector = new FaultInjector(testbed, group, {
    resumesSending,
    ...onFault && { onFault },
  });
  const schedule = drawSchedule({
    ...{ seed, counts },
    duration: messages / rate * 1_000,
    brokers: brokers.length,
    nameServers: testbed.nameServers.length,
    proxies: testbed.proxies.length,
    replicated: testbed.replicas?.names.length ?? 0,
  });
  await group.startSenders();
  const deadline = performance.now() + messages / rate * 1_000 + SENDING_GRACE;
  await injector.run(schedule);
  const isSendingOver = () => group.isFinished || (!resumesSending && counts.producer);
  while (!isSendingOver() && performance.now() < deadline) await delay(100);
  const hasFinished = isSendingOver();

  // More than two check rounds: whoever is not asked for so long is asked no more.
  await untilSettled(group, rows, witness, 2 * options.interval + 1_000);
  const problems = await group.stop();
  await witness.look();
  if (!hasFinished) problems.push("The sends did not come to their end");
  return {
    rows: rows.refresh(),
    entries: group.entries,
    visible: witness.visible,
    indexed: await witness.lookUpCopies(),
    discarded: witness.discarded,
    faults: injector.done,
    problems,
  };
}

/** Waits until all that is committed is visible and brokers have no questions left, or time is up. */
async function untilSettled(
  group: Group,
  rows: DatabaseView,
  witness: Witness,
  quiet: number,
): Promise<void> {
  const start = Date.now();
  for (let last = start; Date.now() < start + PATIENCE;) {
    await delay(250);
    const known = group.entries.length;
    group.refresh();
    if (group.entries.slice(known).some(({ type }) => type === "check")) last = Date.now();
    if (Date.now() < last + quiet) continue;
    await witness.look();
    const seen = new Set(witness.visible.map(({ transactionId }) => transactionId));
    const isOpen = (row: Row) => row.truth === "COMMIT" && !seen.has(row.transactionId);
    if (!rows.refresh().some(isOpen)) return;
  }
}

/** The rows of the application's database, as they come. */
class DatabaseView implements Disposable {
  readonly #reader: LineReader<Row>;
  readonly #rows: Row[] = [];

  constructor(path: string) {
    this.#reader = new LineReader(path);
  }

  refresh(): readonly Row[] {
    this.#rows.push(...this.#reader.read());
    return this.#rows;
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}
