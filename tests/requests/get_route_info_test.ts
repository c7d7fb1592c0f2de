import { assertEquals, assertGreater } from "@std/assert";
import { BrokerResponseError } from "../../src/errors.ts";
import {
  createGetBrokerClusterInfoRequest,
  createGetRouteInfoRequest,
  readGetBrokerClusterInfoResponse,
  readGetRouteInfoResponse,
  type TopicRouteData,
} from "../../src/requests/mod.ts";
import { readVectors } from "../remoting/fixtures.ts";
import { encodeTopicRouteData } from "../support/requests.ts";
import { assertProtocolError, assertRefusal, context, response } from "./support.ts";

function read(body: string | Uint8Array): TopicRouteData | undefined {
  return readGetRouteInfoResponse(response({ body }), context);
}

function routeWith(queue: string, broker = '{"0":"h:1"}'): string {
  return `{"queueDatas":[{"brokerName":"b",${queue}}],` +
    `"brokerDatas":[{"brokerName":"b","cluster":"C","brokerAddrs":${broker}}]}`;
}

Deno.test("route query - asks for standard JSON", () => {
  assertEquals(createGetRouteInfoRequest("T"), {
    code: 105,
    extFields: { topic: "T", acceptStandardJsonOnly: "true" },
  });
  assertEquals(createGetBrokerClusterInfoRequest(), { code: 106 });
});

Deno.test("route - the official library's vectors", () => {
  const vectors = readVectors("routes");
  assertEquals(vectors.length, 16);
  for (const { name, input, expected } of vectors) {
    if (expected === null) {
      assertProtocolError(() => read(input.text), "there is no body");
      continue;
    }
    const route = read(input.text)!;
    const official = expected.route;
    assertEquals(route.orderTopicConf ?? null, official.orderTopicConf, name);
    assertEquals(route.queueDatas, official.queueDatas, name);
    assertEquals(
      route.brokerDatas.map((broker) => [
        broker.cluster,
        broker.brokerName,
        Object.fromEntries(broker.brokerAddrs),
      ]),
      // deno-lint-ignore no-explicit-any
      official.brokerDatas.map((b: any) => [b.cluster, b.brokerName, b.brokerAddrs ?? {}]),
      name,
    );
    assertEquals(
      readGetRouteInfoResponse(response({ body: encodeTopicRouteData(route) }), context),
      route,
    );
  }
});

Deno.test("route - bare keys are quoted, text that looks like them is not touched (C19)", () => {
  const text = '{"brokerDatas":[{"brokerAddrs":{0:"h:1", 1 :"h:2",\n-3 : "h:3"},"brokerName":' +
    '"{0:\\"x\\",1:2}\\\\","cluster":"a\\",5:b"}],"queueDatas":[],"filterServerTable":{"x":[1,2,3],7:[{8:9}]}}';
  assertProtocolError(() => read(text), 'brokerDatas[0].brokerAddrs["-3"] has a name that is not');
  const route = read(text.replace("-3", "3"))!;
  assertEquals(route.brokerDatas, [{
    brokerName: '{0:"x",1:2}\\',
    cluster: 'a",5:b',
    brokerAddrs: new Map([[0, "h:1"], [1, "h:2"], [3, "h:3"]]),
  }]);
});

Deno.test("route - an unknown topic is an outcome, other refusals are errors", () => {
  assertEquals(
    readGetRouteInfoResponse(response({ code: 17, remark: "No topic" }), context),
    undefined,
  );
  assertRefusal(
    () => readGetRouteInfoResponse(response({ code: 1, remark: "name server not ready" }), context),
    1,
    'Cannot get the route (topic "TopicTest")',
    "name server not ready",
  );
});

Deno.test("route - success without a body is a failure (C22)", () => {
  assertProtocolError(() => read(""), "Cannot read route from 10.0.0.1:10911: there is no body");
});

Deno.test("route - queue numbers are integers from 0 to 65536 (C12)", () => {
  for (const name of ["readQueueNums", "writeQueueNums"]) {
    for (const value of ["2147483647", "65537", "-1", "1.5", "1e99", '"4"', "true", "[]", "{}"]) {
      assertProtocolError(
        () => read(routeWith(`"${name}":${value}`)),
        `queueDatas[0].${name} is`,
        "an integer from 0 to 65536",
      );
    }
    assertEquals(
      read(routeWith(`"${name}":65536`))?.queueDatas[0]?.[name as "readQueueNums"],
      65536,
    );
    assertEquals(read(routeWith(`"${name}":null`))?.queueDatas[0]?.[name as "readQueueNums"], 0);
  }
  const many = Array.from({ length: 9 }, (_, i) => `{"brokerName":"b${i}","writeQueueNums":8192}`);
  assertProtocolError(
    () => read(`{"queueDatas":[${many}]}`),
    "73728 in writeQueueNums, at most 65536",
  );
});

Deno.test("route - at most 4096 brokers (C13)", () => {
  const brokers = (count: number) =>
    `{"brokerDatas":[${Array.from({ length: count }, (_, i) => `{"brokerName":"b${i}"}`)}]}`;
  assertEquals(read(brokers(4096))?.brokerDatas.length, 4096);
  for (const count of [4097, 100_000]) {
    assertProtocolError(
      () => read(brokers(count)),
      `brokerDatas has ${count} entries, at most 4096`,
    );
  }
  const addresses = Array.from({ length: 4097 }, (_, i) => `"${i}":"h:1"`);
  assertProtocolError(
    () => read(routeWith('"perm":6', `{${addresses}}`)),
    "brokerAddrs has 4097 entries",
  );
});

Deno.test("route - a body that is no route is a protocol error (C20)", () => {
  const bad: [body: string | Uint8Array, reason: string][] = [
    [" ".repeat(1024 * 1024), "not JSON"],
    [" ".repeat(16 * 1024 * 1024 - 100), "at most 4194304 are allowed"],
    ["{", "not JSON"],
    ["{0:}", "not JSON"],
    ["{".repeat(100_000), "not JSON"],
    ["{,".repeat(100_000), "not JSON"],
    [`"${"\\".repeat(100_001)}`, "not JSON"],
    [Uint8Array.of(0x7b, 0xff, 0x7d), "not UTF-8"],
    ["null", "it is not an object"],
    ["[]", "it is not an object"],
    ["5", "it is not an object"],
    ['{"queueDatas":{}}', "queueDatas is not an array"],
    ['{"queueDatas":[null]}', "queueDatas[0] is not an object"],
    ['{"queueDatas":[5]}', "queueDatas[0] is not an object"],
    ['{"queueDatas":[{}]}', "queueDatas[0].brokerName is not text"],
    ['{"queueDatas":[{"brokerName":5}]}', "queueDatas[0].brokerName is not text"],
    ['{"queueDatas":[{"brokerName":"b","perm":"6"}]}', "queueDatas[0].perm is not a number"],
    ['{"brokerDatas":"x"}', "brokerDatas is not an array"],
    [
      '{"brokerDatas":[{"brokerName":"b","brokerAddrs":[]}]}',
      "brokerDatas[0].brokerAddrs is not an object",
    ],
    ['{"brokerDatas":[{"brokerName":"b","brokerAddrs":{"0":5}}]}', 'brokerAddrs["0"] is not text'],
    [
      '{"brokerDatas":[{"brokerName":"b","brokerAddrs":{"x":"h:1"}}]}',
      'brokerAddrs["x"] has a name',
    ],
    [
      '{"brokerDatas":[{"brokerName":"b","brokerAddrs":{"1e3":"h:1"}}]}',
      'brokerAddrs["1e3"] has a name',
    ],
    ['{"orderTopicConf":5}', "orderTopicConf is not text"],
  ];
  for (const [body, reason] of bad) {
    const error = assertProtocolError(
      () => read(body),
      "Cannot read route from 10.0.0.1:10911: ",
      reason,
    );
    assertEquals([error.address, error.topic], [context.address, "TopicTest"]);
    assertGreater(250, error.message.length);
  }
  assertEquals(read("{}"), { queueDatas: [], brokerDatas: [] });
});

Deno.test("route - types and prototypes in the JSON stay data", () => {
  const route = read(
    '{"@type":"java.lang.Class","__proto__":{"queueDatas":[{"brokerName":"evil"}]},' +
      '"brokerDatas":[{"brokerName":"__proto__","brokerAddrs":{"0":"h:1"}}]}',
  );
  assertEquals(route?.queueDatas, []);
  assertEquals(route?.brokerDatas[0]?.brokerName, "__proto__");
});

Deno.test("cluster information - hostile bodies are protocol errors", () => {
  const readInfo = (body: string) => readGetBrokerClusterInfoResponse(response({ body }), context);
  assertProtocolError(() => readInfo(""), "cluster information", "there is no body");
  assertProtocolError(
    () => readInfo('{"clusterAddrTable":{"C":[5]}}'),
    'clusterAddrTable["C"][0] is not text',
  );
  const good = readInfo(
    '{"brokerAddrTable":{"b":{"brokerName":"b","brokerAddrs":{0:"h:1"}}},"clusterAddrTable":{"C":["b"]}}',
  );
  assertEquals(good.brokers.get("b")?.brokerAddrs, new Map([[0, "h:1"]]));
  assertEquals(good.clusters.get("C"), ["b"]);
  const refused = assertRefusal(
    () =>
      readGetBrokerClusterInfoResponse(
        response({ code: 3, remark: " request type 106 not supported" }),
        context,
      ),
    3,
    "check that the address is of the right kind of server",
  );
  assertEquals(refused instanceof BrokerResponseError, true);
});
