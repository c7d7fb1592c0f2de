import { assertEquals } from "@std/assert";
import { MasterTable } from "../../src/client/route_table.ts";
import { TopicRoute } from "../../src/route/mod.ts";

/** A route whose brokers are those named, each with its address. */
function route(topic: string, masters: Record<string, string>): TopicRoute {
  const names = Object.keys(masters);
  return new TopicRoute(topic, {
    queueDatas: names.map((brokerName) => ({
      brokerName,
      perm: 6,
      readQueueNums: 1,
      writeQueueNums: 1,
      topicSysFlag: 0,
    })),
    brokerDatas: names.map((brokerName) => ({
      brokerName,
      cluster: "DefaultCluster",
      brokerAddrs: new Map([[0, masters[brokerName]!]]),
    })),
  });
}

Deno.test("masters - where routes differ the one told of last counts, until it is no more", () => {
  const table = new MasterTable();
  const one = route("one", { a: "10.0.0.1:1", b: "10.0.0.2:1" });
  const two = route("two", { a: "10.0.0.9:1" });
  table.replaceRoute(one, undefined);
  table.replaceRoute(two, undefined);
  assertEquals(Object.fromEntries(table.masters), { a: "10.0.0.9:1", b: "10.0.0.2:1" });
  table.replaceRoute(one, one);
  assertEquals(table.masters.get("a"), "10.0.0.1:1");
  table.replaceRoute(route("one", {}), one);
  assertEquals(Object.fromEntries(table.masters), { a: "10.0.0.9:1" });
  table.replaceRoute(route("two", { a: "10.0.0.9:1" }), two);
  assertEquals(Object.fromEntries(table.masters), { a: "10.0.0.9:1" });
});

Deno.test("masters - a master that moves counts as soon as one route tells, and the old one is forgotten", () => {
  const table = new MasterTable();
  const before = Array.from({ length: 5 }, (_, i) => route(`t${i}`, { a: "10.0.0.1:1" }));
  for (const each of before) table.replaceRoute(each, undefined);
  for (const each of before) {
    table.replaceRoute(route(each.topic, { a: "10.0.0.2:1" }), each);
    assertEquals(table.masters.get("a"), "10.0.0.2:1");
  }
  const last = route("t4", { a: "10.0.0.2:1" });
  table.replaceRoute(route("t4", {}), last);
  assertEquals(table.masters.get("a"), "10.0.0.2:1");
});

Deno.test("masters - a route is taken in without a look at those of other topics", () => {
  const table = new MasterTable();
  let looks = 0;
  const counted = (topic: string) => {
    const made = route(topic, { a: "10.0.0.1:1", b: "10.0.0.2:1" });
    const { masterAddress } = TopicRoute.prototype;
    made.masterAddress = (name) => {
      looks++;
      return masterAddress.call(made, name);
    };
    return made;
  };
  const looksFor = (topic: string) => {
    looks = 0;
    table.replaceRoute(counted(topic), undefined);
    return looks;
  };
  const ofTheFirst = looksFor("t0");
  for (let i = 1; i < 1_000; i++) looksFor(`t${i}`);
  assertEquals(looksFor("t1000"), ofTheFirst);
});
