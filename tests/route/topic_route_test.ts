import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";
import { ProtocolError } from "../../src/errors.ts";
import {
  type BrokerData,
  type QueueData,
  readGetRouteInfoResponse,
  type TopicRouteData,
} from "../../src/requests/mod.ts";
import { describeRejected, TopicRoute } from "../../src/route/mod.ts";
import { decodeCommand } from "../../src/remoting/mod.ts";
import { readRecordedFrames, readVectors } from "../remoting/fixtures.ts";
import { context, response } from "../requests/support.ts";

function queue(brokerName: string, fields: Partial<QueueData> = {}): QueueData {
  return { brokerName, readQueueNums: 2, writeQueueNums: 2, perm: 6, topicSysFlag: 0, ...fields };
}

function broker(brokerName: string, addresses: Record<number, string>): BrokerData {
  const brokerAddrs = new Map(Object.entries(addresses).map(([id, at]) => [Number(id), at]));
  return { cluster: "C", brokerName, brokerAddrs };
}

const data: TopicRouteData = {
  queueDatas: [queue("broker-b"), queue("broker-a", { writeQueueNums: 1 })],
  brokerDatas: [
    broker("broker-b", { 0: "10.0.0.2:10911", 1: "10.0.0.3:10911" }),
    broker("broker-a", { 0: "10.0.0.1:10911" }),
  ],
};

function names(route: TopicRoute): [string, number][] {
  return route.writableQueues.map(({ brokerName, queueId }) => [brokerName, queueId]);
}

Deno.test("route - lists queues by broker name, and brokers with their addresses", () => {
  const route = new TopicRoute("T", data);
  assertEquals(route.topic, "T");
  assertEquals(route.writableQueues, [
    { topic: "T", brokerName: "broker-a", queueId: 0 },
    { topic: "T", brokerName: "broker-b", queueId: 0 },
    { topic: "T", brokerName: "broker-b", queueId: 1 },
  ]);
  assertEquals(route.brokerNames, ["broker-b", "broker-a"]);
  assertEquals(route.brokers[0], {
    brokerName: "broker-b",
    cluster: "C",
    addresses: new Map([[0, "10.0.0.2:10911"], [1, "10.0.0.3:10911"]]),
  });
  assertEquals(route.masterAddress("broker-a"), "10.0.0.1:10911");
  assertEquals([route.masterAddress("broker-c"), route.masterAddress("toString")], [
    undefined,
    undefined,
  ]);
  assertEquals([route.rejected, route.describeUnwritable()], [[], undefined]);
});

Deno.test("route - the queues of the official library's vectors", () => {
  for (const { name, input, expected } of readVectors("routes")) {
    if (expected === null) continue;
    const read = readGetRouteInfoResponse(response({ body: input.text }), context) ?? fail(name);
    if (expected.publishInfo) {
      assertEquals(names(new TopicRoute("T", read)), expected.publishInfo.queues, name);
    } else if (expected.publishInfoError === "NullPointerException") {
      // brokerAddrs is null: Java fails, ours takes it for a broker without addresses.
      assertEquals(names(new TopicRoute("T", read)), [], name);
    } else {
      assertThrows(() => new TopicRoute("T", read), ProtocolError, "order configuration", name);
    }
  }
});

Deno.test("route - the queues of the recorded routes", () => {
  let count = 0;
  for (const { requestCode, frame, name, bodySummary } of readRecordedFrames()) {
    if (requestCode !== 105 || bodySummary?.type !== "route") continue;
    const read = readGetRouteInfoResponse(decodeCommand(frame), context) ?? fail(name);
    const route = new TopicRoute("T", read);
    assertEquals(names(route), bodySummary.publishInfo.queues, name);
    assertEquals(route.rejected, [], name);
    count++;
  }
  assertEquals(count, 65);
});

Deno.test("route - an order configuration names the queues, whatever the permissions are", () => {
  const queueDatas = [queue("broker-a", { perm: 4 })];
  const ordered = (orderTopicConf: string) =>
    names(new TopicRoute("T", { ...data, queueDatas, orderTopicConf }));
  assertEquals(ordered("broker-b:1;broker-a:2;"), [["broker-b", 0], ["broker-a", 0], [
    "broker-a",
    1,
  ]]);
  assertEquals(ordered(" "), []);
  for (
    const bad of [
      "broker-a",
      "broker-a:",
      ":4",
      "broker-a:-1",
      "broker-a:1.5",
      "broker-a:x",
      "a:b:1",
    ]
  ) {
    assertThrows(() => ordered(bad), ProtocolError, 'Cannot use the route of topic "T"');
  }
  assertThrows(() => ordered("a:40000;b:40000"), ProtocolError, "80000 queues, at most 65536");
  assertThrows(() => ordered("a:99999"), ProtocolError, "99999 queues");
});

Deno.test("route - an address that can't be used drops itself only (C14, C16)", () => {
  const bad = [
    "10.0.0.1",
    ":10911",
    "a:b:c",
    "h:0",
    "h:70000",
    "h:1e4",
    "unix:/x",
    "http://h",
    "x\r\ny:1",
    "::1::2:10911",
  ];
  const route = new TopicRoute("T", {
    queueDatas: data.queueDatas,
    brokerDatas: [
      broker("broker-a", {
        0: "10.0.0.1:10911",
        ...bad.map((text) => text).reduce((all, text, i) => ({ ...all, [i + 1]: text }), {}),
      }),
      broker("broker-b", { 0: "nonsense", 1: "[::1]:10911" }),
    ],
  });
  assertEquals(names(route), [["broker-a", 0]]);
  assertEquals(route.masterAddress("broker-a"), "10.0.0.1:10911");
  assertEquals(route.masterAddress("broker-b"), undefined);
  assertEquals(route.brokers[1]?.addresses, new Map([[1, "[::1]:10911"]]));
  assertEquals(route.rejected.length, bad.length + 1);
  assertEquals(route.rejected.map((entry) => entry.brokerId), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0]);
  for (const { address, reason } of route.rejected) {
    assertMatch(reason, /host:port|port 70000|host/);
    assertFalse(/[\p{Cc}]/u.test(address));
  }
});

Deno.test("route - addressMap rewrites addresses before they are judged, and fails for one broker only", () => {
  const known = new Map([["[fe80::1%eth0]:10911", "10.0.0.1:10911"], ["b:1", "b:1"]]);
  const read = () =>
    new TopicRoute("T", {
      queueDatas: ["a", "b", "c"].map((brokerName) => ({ ...data.queueDatas[0]!, brokerName })),
      brokerDatas: [
        broker("a", { 0: "[fe80::1%eth0]:10911" }),
        broker("b", { 0: "b:1" }),
        broker("c", { 0: "c:1" }),
      ],
    }, {
      mapAddress(address, brokerName) {
        const mapped = known.get(address);
        if (mapped === undefined) throw new TypeError(`no address of ${brokerName}`);
        return mapped;
      },
    });
  const route = read();
  assertEquals(route.brokers.map(({ brokerName }) => route.masterAddress(brokerName)), [
    "10.0.0.1:10911",
    "b:1",
    undefined,
  ]);
  const [rejected] = route.rejected;
  assertStringIncludes(rejected!.reason, "addressMap does not map it: no address of c");
  assertFalse(route.writableQueues.some(({ brokerName }) => brokerName === "c"));
  known.set("c:1", "c.example:1");
  const learnt = read();
  assertEquals([learnt.masterAddress("c"), learnt.rejected], ["c.example:1", []]);
  assertFalse(learnt.equals(route));
});

Deno.test("route - an allowBroker that throws leaves out that broker only", () => {
  const route = new TopicRoute("T", {
    queueDatas: [],
    brokerDatas: [broker("a", { 0: "a:1" }), broker("b", { 0: "b:1" })],
  }, {
    allowBroker(host) {
      if (host === "a") throw new TypeError("my own fault");
      return true;
    },
  });
  assertEquals([route.masterAddress("a"), route.masterAddress("b")], [undefined, "b:1"]);
  assertEquals(route.rejected[0]!.reason, "allowBroker threw: my own fault");
});

Deno.test("route - an allowBroker that is async, or gives anything but true, allows nothing", () => {
  const given: Record<string, unknown> = {
    a: Promise.resolve(true),
    b: "no",
    c: 1,
    d: undefined,
    e: true,
  };
  const names = Object.keys(given);
  const route = new TopicRoute("T", {
    queueDatas: [],
    brokerDatas: names.map((name) => broker(name, { 0: `${name}:1` })),
  }, { allowBroker: (host) => given[host] as boolean });
  assertEquals(names.filter((name) => route.masterAddress(name) !== undefined), ["e"]);
  assertEquals(route.rejected.map(({ reason }) => reason), [
    ...Array(3).fill("allowBroker gave neither true nor false"),
    "allowBroker does not allow it",
  ]);
});

Deno.test("route - many addresses that can't be used become one line with a count and three examples", () => {
  const route = new TopicRoute("T", {
    queueDatas: [],
    brokerDatas: Array.from({ length: 1_000 }, (_, i) => broker(`broker-${i}`, { 0: "nonsense" })),
  });
  const line = describeRejected(route)!;
  assertStringIncludes(line, 'Ignored 1000 addresses: "nonsense" of broker "broker-0"');
  assertStringIncludes(line, "; and 997 more");
  assert(line.length < 1_000);
});

Deno.test("route - link-local and unspecified addresses are left out, unless allowBroker says so (C15)", () => {
  const brokerDatas = [
    broker("broker-a", { 0: "169.254.169.254:80" }),
    broker("broker-b", { 0: "0.0.0.0:10911" }),
    broker("broker-c", { 0: "[fe80::1]:10911" }),
    broker("broker-d", { 0: "127.0.0.1:10911" }),
  ];
  const queueDatas = brokerDatas.map(({ brokerName }) => queue(brokerName, { writeQueueNums: 1 }));
  const route = new TopicRoute("T", { queueDatas, brokerDatas });
  assertEquals(names(route), [["broker-d", 0]]);
  assertEquals(
    route.rejected.map(({ brokerName, brokerId, address }) => [brokerName, brokerId, address]),
    [
      ["broker-a", 0, "169.254.169.254:80"],
      ["broker-b", 0, "0.0.0.0:10911"],
      ["broker-c", 0, "[fe80::1]:10911"],
    ],
  );
  assertStringIncludes(route.rejected[0]!.reason, "link-local: set brokerIP1 on the broker");
  assertStringIncludes(route.rejected[1]!.reason, "unspecified");

  const asked: [string, number][] = [];
  const chosen = new TopicRoute("T", { queueDatas, brokerDatas }, {
    allowBroker: (host, port) => asked.push([host, port]) > 0 && host === "fe80::1",
  });
  assertEquals(names(chosen), [["broker-c", 0]]);
  assertEquals(asked, [["169.254.169.254", 80], ["0.0.0.0", 10911], ["fe80::1", 10911], [
    "127.0.0.1",
    10911,
  ]]);
  assertStringIncludes(chosen.rejected[0]!.reason, "allowBroker does not allow it");
});

Deno.test("route - says why nothing can be written", () => {
  const why = (fields: Partial<TopicRouteData>) => {
    const route = new TopicRoute("T", { ...data, ...fields });
    assertEquals(route.writableQueues, []);
    return route.describeUnwritable() ?? fail("no reason");
  };
  assertStringIncludes(why({ queueDatas: [] }), "its route has no queues");
  assertStringIncludes(why({ brokerDatas: [] }), "its route has no queues");
  const readOnly = [4, 0, 1, 8, 12].map((perm) => queue("broker-a", { perm }));
  assertStringIncludes(why({ queueDatas: readOnly }), "not writable on any broker");
  const empty = [queue("broker-a", { writeQueueNums: 0 })];
  assertStringIncludes(why({ queueDatas: empty }), "no queues to write to");
  const slaves = [broker("broker-a", { 1: "10.0.0.3:10911" }), broker("broker-b", {})];
  const noMaster = why({ brokerDatas: slaves });
  assertStringIncludes(noMaster, "none of its brokers has a master");
  assertStringIncludes(noMaster, '"broker-b", "broker-a"');
  // The brokers of the queues are not among the brokers (C21).
  assertStringIncludes(why({ brokerDatas: [broker("other", { 0: "h:1" })] }), "has a master");
  const unusable = [broker("broker-a", { 0: "0.0.0.0:10911" })];
  assertEquals(
    why({ brokerDatas: unusable, queueDatas: [queue("broker-a")] }),
    'the address "0.0.0.0:10911" of broker "broker-a" is not used: it is unspecified: ' +
      "set brokerIP1 on the broker, or decide with allowBroker here",
  );
});

Deno.test("route - queues whose broker is not listed are skipped, the others stay (C21)", () => {
  const route = new TopicRoute("T", { ...data, queueDatas: [...data.queueDatas, queue("ghost")] });
  assertEquals(new Set(names(route).map(([name]) => name)), new Set(["broker-a", "broker-b"]));
});

Deno.test("route - of two entries for one broker the first counts, as in Java", () => {
  const brokerDatas = [
    broker("broker-a", { 1: "10.0.0.3:10911" }),
    broker("broker-a", { 0: "10.0.0.1:10911" }),
  ];
  const route = new TopicRoute("T", { queueDatas: [queue("broker-a")], brokerDatas });
  assertEquals([names(route), route.brokers.length], [[], 1]);
});

Deno.test("route - a new topic borrows the template's brokers with at most four queues each", () => {
  const template = new TopicRoute("TBW102", {
    queueDatas: [
      queue("broker-a", { readQueueNums: 8, writeQueueNums: 8, perm: 7 }),
      queue("broker-b", { readQueueNums: 3, writeQueueNums: 16, perm: 7 }),
    ],
    brokerDatas: [...data.brokerDatas, broker("broker-c", { 0: "0.0.0.0:1" })],
  }, { allowBroker: (host) => host !== "10.0.0.2" });
  const borrowed = template.borrowedFor("New");
  assertEquals([borrowed.topic, borrowed.borrowedFrom], ["New", "TBW102"]);
  assertEquals(names(borrowed), [["broker-a", 0], ["broker-a", 1], ["broker-a", 2], [
    "broker-a",
    3,
  ]]);
  assertEquals(borrowed.writableQueues[0]?.topic, "New");
  assertEquals(borrowed.rejected, template.rejected);
  assertEquals(
    names(
      new TopicRoute("TBW102", {
        ...data,
        queueDatas: [queue("broker-b", { readQueueNums: 3, writeQueueNums: 16 })],
      }).borrowedFor("New", 8),
    ).length,
    3,
  );
  assertEquals(template.borrowedFrom, undefined);
});

Deno.test("route - is the same when it leads to the same places", () => {
  const route = new TopicRoute("T", data);
  const reversed: TopicRouteData = {
    queueDatas: data.queueDatas.toReversed(),
    brokerDatas: [
      broker("broker-a", { 0: "10.0.0.1:10911" }),
      {
        ...data.brokerDatas[0]!,
        brokerAddrs: new Map([[1, "10.0.0.3:10911"], [0, "10.0.0.2:10911"]]),
      },
    ],
  };
  assertEquals(route.equals(route), true);
  assertEquals(route.equals(new TopicRoute("T", reversed)), true);
  const changes: TopicRoute[] = [
    new TopicRoute("U", data),
    new TopicRoute("T", { ...data, queueDatas: [queue("broker-b")] }),
    new TopicRoute("T", {
      ...data,
      queueDatas: [queue("broker-b"), queue("broker-a", { perm: 4 })],
    }),
    new TopicRoute("T", {
      ...data,
      brokerDatas: [data.brokerDatas[0]!, broker("broker-a", { 0: "10.0.0.9:10911" })],
    }),
    new TopicRoute("T", {
      ...data,
      brokerDatas: [broker("broker-b", { 0: "10.0.0.2:10911" }), data.brokerDatas[1]!],
    }),
    new TopicRoute("TBW102", data).borrowedFor("T"),
  ];
  assertEquals(
    changes.map((other) => route.equals(other) || other.equals(route)),
    changes.map(() => false),
  );
});
