import { assertEquals } from "@std/assert";
import { Members } from "../../src/consumer/members.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const SELF = "10.0.0.1@deno-a", OTHER = "10.0.0.2@deno-b", JAVA = "10.0.0.3@4711#9";

/** A watch over what brokers list, with the changes that it took. */
class Watch implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly changes: string[] = [];
  readonly asked: string[] = [];
  /** What each broker lists. One without a list does not answer. */
  readonly lists = new Map<string, string[]>();
  readonly members: Members;

  constructor(lists: Record<string, string[]>) {
    for (const [name, list] of Object.entries(lists)) this.lists.set(name, list);
    this.members = new Members({
      clock: this.clock,
      logger: new RecordingLogger(),
      self: () => SELF,
      brokerNames: () => [...this.lists.keys()],
      list: (brokerName) => {
        this.asked.push(brokerName);
        const members = this.lists.get(brokerName)!;
        if (members.length === 0) return Promise.reject(new Error("no answer"));
        return Promise.resolve({ members: members.toSorted(), repeated: [] });
      },
      onChange: (members) => void this.changes.push(members.join(" ")),
      onLook: () => {},
    });
    for (const name of this.lists.keys()) this.members.registered(name);
    this.members.start();
  }

  /** Has a broker list others, and say so. */
  async change(brokerName: string, ...members: string[]): Promise<void> {
    this.lists.set(brokerName, members);
    this.members.notify();
    await this.clock.advance(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.members.close();
    assertEquals(this.clock.pendingTimers, 0);
  }
}

Deno.test("members - many notices make one request, and a list as before changes nothing", async () => {
  await using watch = new Watch({ a: [SELF] });
  await watch.clock.advance(0);
  assertEquals([watch.changes, watch.asked.length], [[SELF], 1]);
  for (let i = 0; i < 19; i++) {
    await watch.change("a", SELF, OTHER);
    await watch.clock.advance(5);
    await watch.change("a", SELF);
    await watch.clock.advance(5);
  }
  await watch.clock.advance(1_000);
  assertEquals(watch.changes, [SELF]);
  assertEquals(watch.asked.length <= 3, true, String(watch.asked.length));
});

Deno.test("members - a list that flaps is taken once a second", async () => {
  await using watch = new Watch({ a: [SELF] });
  await watch.clock.advance(0);
  for (let i = 0; i < 100; i++) {
    await watch.change("a", SELF, ...i % 2 === 0 ? [OTHER] : []);
    await watch.clock.advance(110);
  }
  assertEquals(watch.changes.length <= 12, true, String(watch.changes.length));
  await watch.change("a", SELF, OTHER, JAVA);
  await watch.clock.advance(1_500);
  assertEquals(watch.changes.at(-1), [SELF, OTHER, JAVA].toSorted().join(" "));
});

Deno.test("members - without a notice they are asked for every twenty seconds, and another broker if one is silent", async () => {
  await using watch = new Watch({ a: [SELF], b: [SELF, OTHER] });
  await watch.clock.advance(0);
  watch.lists.set("a", []);
  await watch.clock.advance(20_000);
  assertEquals(watch.asked, ["a", "a", "b"]);
  assertEquals(watch.changes, [SELF, `${SELF} ${OTHER}`]);
});

Deno.test("members - a broker that does not list this client is not heeded", async () => {
  await using watch = new Watch({ a: [SELF, OTHER] });
  await watch.clock.advance(0);
  await watch.change("a", OTHER);
  await watch.clock.advance(5_000);
  assertEquals(watch.changes, [`${SELF} ${OTHER}`]);
});

Deno.test("members - a broker that has just come back may lack members, and they are not taken for dead", async () => {
  await using watch = new Watch({ a: [SELF, OTHER] });
  await watch.clock.advance(10_000);
  watch.members.registered("a");
  await watch.change("a", SELF);
  await watch.clock.advance(4_000);
  assertEquals([watch.changes, await watch.members.deadAt("a")], [[`${SELF} ${OTHER}`], []]);
  await watch.change("a", SELF, OTHER);
  await watch.clock.advance(10_000);
  assertEquals(watch.changes, [`${SELF} ${OTHER}`]);
  watch.members.registered("a");
  await watch.change("a", SELF);
  await watch.clock.advance(6_000);
  assertEquals(watch.changes, [`${SELF} ${OTHER}`, SELF]);
});

Deno.test("members - are dead a second after a broker lists them no more: only these consumers, and only there", async () => {
  await using watch = new Watch({ a: [SELF, OTHER, JAVA], b: [SELF, OTHER, JAVA] });
  await watch.clock.advance(2_000);
  await watch.change("a", SELF);
  await watch.clock.advance(200);
  assertEquals(watch.changes.at(-1), SELF);
  assertEquals(await watch.members.deadAt("a"), []);
  await watch.clock.advance(1_000);
  assertEquals([await watch.members.deadAt("a"), await watch.members.deadAt("b")], [[OTHER], []]);
  watch.lists.set("a", [SELF, OTHER]);
  assertEquals(await watch.members.deadAt("a"), []);
});

Deno.test("members - those that died long ago are forgotten", async () => {
  await using watch = new Watch({ a: [SELF, OTHER] });
  await watch.clock.advance(2_000);
  await watch.change("a", SELF);
  await watch.clock.advance(60_000);
  assertEquals(await watch.members.deadAt("a"), [OTHER]);
  await watch.clock.advance(60_000);
  const asked = watch.asked.length;
  assertEquals([await watch.members.deadAt("a"), watch.asked.length], [[], asked]);
});
