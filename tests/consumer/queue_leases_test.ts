import { assertEquals } from "@std/assert";
import { QueueLeases } from "../../src/consumer/queue_leases.ts";
import type { MessageQueue } from "../../src/message/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const QUEUE: MessageQueue = { topic: "orders", brokerName: "a", queueId: 0 };

/** Leases of a broker whose answers a test decides, and what happens in order. */
class Bench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly steps: string[] = [];
  /** Answers the next request for locks. */
  answer: () => boolean | Promise<boolean> = () => true;
  /** Answers the next unlock. */
  unlock: () => void | Promise<void> = () => {};
  dead = false;
  readonly leases: QueueLeases;

  constructor() {
    const note = (step: string) => void this.steps.push(step);
    this.leases = new QueueLeases({
      clock: this.clock,
      logger: new RecordingLogger(),
      lock: async (_brokerName, queues) => {
        note("lock");
        return await this.answer() ? [...queues] : [];
      },
      unlock: async () => {
        note("unlock");
        await this.unlock();
      },
      freeDead: () => Promise.resolve(this.dead),
      onGained: () => note("gained"),
      onConfirmed: () => note("confirmed"),
      onDoubted: () => note("doubted"),
      onLost: (_queue, reason) => note(`lost: ${reason}`),
    });
  }

  /** What happened since the last call. */
  take(): string[] {
    return this.steps.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.answer = () => true;
    await this.leases.close(() => Promise.resolve(true));
    assertEquals(this.clock.pendingTimers, 0);
  }
}

Deno.test("leases - a queue that another member has is asked for until it is free, and renewed then", async () => {
  await using bench = new Bench();
  bench.answer = () => false;
  bench.leases.want(QUEUE);
  await bench.clock.advance(1_000);
  assertEquals([bench.take().length >= 3, bench.leases.isValid(QUEUE)], [true, false]);
  bench.answer = () => true;
  await bench.clock.advance(400);
  assertEquals([bench.take(), bench.leases.isValid(QUEUE)], [["lock", "gained"], true]);
  await bench.clock.advance(16_000);
  assertEquals(bench.take(), ["lock"]);
});

Deno.test("leases - one that is refused is lost, and one of a member that died is taken in the same turn", async () => {
  await using bench = new Bench();
  bench.leases.want(QUEUE);
  await bench.clock.advance(0);
  bench.answer = () => false;
  await bench.clock.advance(15_500);
  const steps = bench.take();
  assertEquals(steps.slice(0, 3), ["lock", "gained", "lock"]);
  assertEquals(steps[3], "lost: another member of the group has locked it");
  let asked = 0;
  bench.dead = true;
  bench.answer = () => ++asked > 1;
  await bench.clock.advance(300);
  assertEquals(bench.take(), ["lock", "lock", "gained"]);
});

Deno.test("leases - a broker that is silent for long loses nothing: it is not worked on, and goes on when confirmed", async () => {
  await using bench = new Bench();
  bench.leases.want(QUEUE);
  await bench.clock.advance(0);
  bench.take();
  bench.answer = () => Promise.reject(new Error("no answer"));
  await bench.clock.advance(44_000);
  assertEquals(bench.leases.isValid(QUEUE), true);
  await bench.clock.advance(2_000);
  assertEquals(bench.leases.isValid(QUEUE), false);
  await bench.clock.advance(60_000);
  assertEquals(bench.take().filter((step) => step !== "lock"), ["doubted"]);
  bench.answer = () => true;
  await bench.clock.advance(400);
  assertEquals([bench.take(), bench.leases.isValid(QUEUE)], [["lock", "confirmed"], true]);
});

Deno.test("leases - an answer from before a new connection says nothing", async () => {
  await using bench = new Bench();
  const answer = Promise.withResolvers<boolean>();
  bench.answer = () => answer.promise;
  bench.leases.want(QUEUE);
  await bench.clock.advance(0);
  bench.leases.doubt("a");
  bench.answer = () => false;
  answer.resolve(true);
  await bench.clock.advance(0);
  assertEquals(bench.leases.isValid(QUEUE), false);
  assertEquals(bench.take().includes("gained"), false);
});

Deno.test("leases - what is given up while its lock is asked for is unlocked after the answer, again until confirmed", async () => {
  await using bench = new Bench();
  const answer = Promise.withResolvers<boolean>();
  bench.answer = () => answer.promise;
  bench.unlock = () => Promise.reject(new Error("no answer"));
  bench.leases.want(QUEUE);
  await bench.clock.advance(0);
  let isReleased = false;
  bench.leases.release(QUEUE).then(() => isReleased = true);
  bench.leases.want(QUEUE);
  await bench.clock.advance(100);
  assertEquals(bench.take(), ["lock"]);
  answer.resolve(true);
  await bench.clock.advance(700);
  const steps = bench.take();
  assertEquals([new Set(steps), steps.length >= 2, isReleased], [new Set(["unlock"]), true, false]);
  bench.unlock = () => {};
  await bench.clock.advance(300);
  assertEquals([bench.take(), isReleased, bench.leases.queues()], [["unlock"], true, []]);
});

Deno.test("leases - a broker that never answers forgets a lock by itself, so it is not waited for longer", async () => {
  await using bench = new Bench();
  bench.leases.want(QUEUE);
  await bench.clock.advance(0);
  bench.unlock = () => Promise.reject(new Error("no answer"));
  let isReleased = false;
  bench.leases.release(QUEUE).then(() => isReleased = true);
  await bench.clock.advance(59_000);
  assertEquals(isReleased, false);
  await bench.clock.advance(2_000);
  assertEquals(isReleased, true);
});
