import type { ConsumerReport } from "../integration/programs/consumer_member.ts";
import { delay } from "../support/delay.ts";
import { eventually } from "../support/progress.ts";
import { Program } from "../support/program.ts";
import type { Crew } from "./crew.ts";

const PROGRAM = new URL("../integration/programs/consumer_member.ts", import.meta.url);

/** What a `kill -9` of a member led to. */
export interface KillResult {
  /** Queues of the topic that the dead member had. */
  queues: number;
  /** Milliseconds until another member had all of them. */
  takeOver: number;
  /** Messages that the dead member had begun. */
  begun: number;
  /** Messages that came again. */
  again: number;
  /** Those of them whose handler had ended more than this many milliseconds before. */
  tooOld: number;
  /** Messages that nobody was given. */
  lost: number;
}

/** Milliseconds between two commits, and some for the answer. */
const COMMIT_TIME = 500;

/**
 * Kills a member in a process of its own while it works together with a member of this process.
 *
 * @param handlerTime Milliseconds that its handler takes.
 */
export async function killMember(
  crew: Crew,
  messages: number,
  handlerTime: number,
): Promise<KillResult> {
  const survivor = await crew.join();
  await using victim = new Program(PROGRAM, {
    permissions: ["--allow-net"],
    args: [crew.nameServers, crew.group, crew.topic, String(handlerTime), crew.order],
  });
  const seen: { report: ConsumerReport; at: number }[] = [];
  let read = 0;
  const reports = () => {
    for (const line of victim.lines.slice(read)) {
      seen.push({ report: JSON.parse(line), at: performance.now() });
      read++;
    }
    return seen;
  };
  await victim.until("the start", () => reports().length > 0);
  await delay(2_500);
  await crew.send(messages);
  const handled = () => reports().filter(({ report }) => report.type === "handled").length;
  await victim.until("its work", () => handled() > 30);
  const queues = new Set(
    reports().flatMap(({ report }) =>
      report.type === "assigned" && report.queue.startsWith(crew.topic) ? [report.queue] : []
    ),
  );
  const open = new Set(queues);
  const events = survivor.events();
  (async () => {
    for await (const event of events) {
      if (event.type !== "assigned") continue;
      const { topic, brokerName, queueId } = event.queue;
      open.delete(`${topic}@${brokerName}@${queueId}`);
    }
  })();
  await delay(20);
  const killedAt = performance.now();
  await victim.kill();
  if (!await eventually(() => open.size === 0, 90_000)) {
    throw new Error(`Nobody took over ${[...open]}`);
  }
  const takeOver = performance.now() - killedAt;
  const begun = new Set<string>(), doneAt = new Map<string, number>();
  for (const { report, at } of reports()) {
    if (report.type === "begun") begun.add(report.key);
    if (report.type === "handled") doneAt.set(report.key, at);
  }
  const all = () => new Set([...begun, ...crew.witness.deliveries.keys()]).size;
  await eventually(() => all() >= messages, 60_000);
  await delay(1_500);
  const again = [...begun].filter((key) => crew.witness.deliveries.has(key));
  const isOld = (key: string) => (doneAt.get(key) ?? Infinity) < killedAt - COMMIT_TIME;
  return {
    queues: queues.size,
    takeOver,
    begun: begun.size,
    again: again.length,
    tooOld: again.filter(isOld).length,
    lost: messages - all(),
  };
}
