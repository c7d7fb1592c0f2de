import { assertEquals, assertMatch } from "@std/assert";
import { type Trace, TraceDispatcher, type TraceMessage } from "../../src/trace/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const trace: Trace = {
  type: "Recall",
  timestamp: 0,
  regionId: "r",
  producerGroup: "g",
  topic: "t",
  messageId: "id",
  success: true,
};

/** A dispatcher whose messages wait for the test. */
function start() {
  const clock = new FakeClock(), logger = new RecordingLogger();
  const sent: (PromiseWithResolvers<void> & { count: number })[] = [];
  const send = ({ count }: TraceMessage) => {
    const sending = { ...Promise.withResolvers<void>(), count };
    sent.push(sending);
    return sending.promise;
  };
  const traces = new TraceDispatcher({ send, clock, logger });
  const append = (count: number) => {
    for (let i = 0; i < count; i++) traces.append(trace);
  };
  return { clock, logger, sent, traces, append, counts: () => sent.map(({ count }) => count) };
}

Deno.test("TraceDispatcher - twenty traces leave at once, fewer after five seconds", async () => {
  const { clock, traces, append, counts, sent } = start();
  append(25);
  assertEquals(counts(), [20]);
  sent[0]!.resolve();
  await clock.advance(4_999);
  assertEquals(counts(), [20]);
  await clock.advance(1);
  assertEquals(counts(), [20, 5]);
  sent[1]!.resolve();
  append(3);
  await clock.advance(5_000);
  assertEquals(counts(), [20, 5, 3]);
  sent[2]!.resolve();
  await traces.close(1_000);
  assertEquals([clock.pendingTimers, traces.dropped], [0, 0]);
});

Deno.test("TraceDispatcher - a slow broker fills the queue, then traces are dropped and counted", async () => {
  const { clock, sent, traces, append, counts } = start();
  append(4 * 20 + 2_048 + 7);
  assertEquals([counts(), traces.dropped], [[20, 20, 20, 20], 7]);
  for (let next = 0; next < sent.length; next++) {
    sent[next]!.resolve();
    await clock.advance(0);
  }
  await clock.advance(5_000);
  sent.at(-1)!.resolve();
  assertEquals(counts().reduce((sum, count) => sum + count), 4 * 20 + 2_048);
  await traces.close(1_000);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("TraceDispatcher - after a failure it is quiet for a while, longer each time, and says so once", async () => {
  const { clock, logger, sent, traces, append, counts } = start();
  append(20);
  sent[0]!.reject(new Error("no such topic"));
  await clock.advance(0);
  append(40);
  await clock.advance(999);
  assertEquals([counts(), traces.dropped], [[20], 20]);
  await clock.advance(1);
  assertEquals(counts(), [20, 20, 20]);
  sent[1]!.reject(new Error("no such topic"));
  sent[2]!.reject(new Error("no such topic"));
  await clock.advance(0);
  append(1);
  await clock.advance(1_999);
  assertEquals([sent.length, traces.dropped], [3, 60]);
  await clock.advance(1);
  assertEquals(sent.length, 4);
  sent[3]!.resolve();
  assertEquals(logger.matching("Cannot send message traces").length, 1);
  assertMatch(logger.lines[0]!.message, /20 were dropped so far: no such topic/);
  await traces.close(1_000);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("TraceDispatcher - closing sends what is left, within its time", async () => {
  const quick = start();
  quick.append(50);
  const closed = quick.traces.close(1_000);
  assertEquals(quick.counts(), [20, 20, 10]);
  for (const { resolve } of quick.sent) resolve();
  await closed;
  assertEquals([quick.traces.dropped, quick.clock.pendingTimers], [0, 0]);

  const stuck = start();
  stuck.append(4 * 20 + 5);
  const late = stuck.traces.close(1_000);
  await stuck.clock.advance(1_000);
  await late;
  stuck.append(1);
  assertEquals([stuck.traces.dropped, stuck.clock.pendingTimers], [6, 0]);
  stuck.sent[0]!.reject(new Error("too late"));
  await stuck.clock.advance(0);
  assertEquals([stuck.traces.dropped, stuck.clock.pendingTimers], [26, 0]);
});
