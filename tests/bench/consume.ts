import process from "node:process";
import { Producer } from "../../mod.ts";
import { Consumer } from "../../src/consumer/mod.ts";
import type { Wanted } from "./arguments.ts";

/** What a run of consuming came to. */
export interface ConsumeResult {
  readonly seconds: number;
  readonly cpu: NodeJS.CpuUsage;
  /** Messages beyond those that were sent, and `1` if the consumer did not end in good order. */
  readonly errors: number;
}

/** Milliseconds without a message after which the rest counts as lost. */
const PATIENCE = 30_000;

/**
 * Has messages sent to a topic of their own by another process, and then handles them all. The first
 * `warmUp` of them are not measured.
 */
export async function measureConsuming(
  wanted: Wanted,
  warmUp: number,
  onStart: () => void,
): Promise<ConsumeResult> {
  const { namesrv: nameServers, group, messages, concurrency, queues } = wanted;
  const topic = `${wanted.topic}_${Date.now().toString(36)}`;
  {
    await using producer = new Producer({ nameServers, producerGroup: group });
    await producer.start();
    await producer.createTopic({ topic, queues });
  }
  await send(wanted, topic);
  const consumer = new Consumer({
    ...{ nameServers, group: `${topic}_${group}`, concurrency },
    subscriptions: { [topic]: "*" },
  });
  await consumer.start();
  const all = warmUp + messages, done = Promise.withResolvers<void>();
  let count = 0, startedAt = 0, endedAt = 0;
  let cpuBefore = process.cpuUsage(), cpu = cpuBefore;
  consumer.run(() => {
    count++;
    if (count === warmUp) {
      onStart();
      cpuBefore = process.cpuUsage();
      startedAt = performance.now();
    } else if (count === all) {
      endedAt = performance.now();
      cpu = process.cpuUsage(cpuBefore);
      done.resolve();
    }
  });
  let seen = 0;
  const watch = setInterval(() => {
    if (count === seen) done.reject(new Error(`only ${count} of ${all} messages came`));
    seen = count;
  }, PATIENCE);
  try {
    await done.promise;
  } finally {
    clearInterval(watch);
    const { isClean } = await consumer.close();
    if (!isClean) count++;
  }
  return { seconds: (endedAt - startedAt) / 1000, cpu, errors: count - all };
}

/** Sends in a process of its own, which does not count. A warm-up of the sends is the one of ours. */
async function send(wanted: Wanted, topic: string): Promise<void> {
  const { namesrv, group, messages, body, bodyKind, compress } = wanted;
  const options = {
    ...{ namesrv, topic, group, body, messages, compress, mode: "send", concurrency: 64 },
    "body-kind": bodyKind,
  };
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", new URL("main.ts", import.meta.url).href],
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ],
  }).output();
  if (!success) throw new Error(`Cannot send: ${new TextDecoder().decode(stderr)}`);
}
