import { assertEquals } from "@std/assert";
import {
  createHeartbeatRequest,
  createUnregisterClientRequest,
  type Heartbeat,
  readHeartbeatResponse,
  readUnregisterClientResponse,
  unregisterClientHeader,
} from "../../src/requests/mod.ts";
import { readHeartbeatRequest } from "../../src/testing/requests.ts";
import { assertProtocolError, assertRefusal, context, response, sent } from "./support.ts";

Deno.test("heartbeat - says what Java's does", () => {
  const request = createHeartbeatRequest({
    clientId: "10.0.0.9@1#2",
    producerGroups: ["G1", "G2"],
  });
  assertEquals(request.code, 34);
  assertEquals(
    new TextDecoder().decode(request.body),
    '{"clientID":"10.0.0.9@1#2","consumerDataSet":[],"heartbeatFingerprint":0,' +
      '"producerDataSet":[{"groupName":"G1"},{"groupName":"G2"}],"withoutSub":false}',
  );
  readHeartbeatResponse(response({ extFields: { IS_SUPPORT_HEART_BEAT_V2: "true" } }), context);
  assertRefusal(
    () => readHeartbeatResponse(response({ code: 16 }), context),
    16,
    "register at the broker",
  );
});

Deno.test("heartbeat - a broker reads groups and subscriptions back", () => {
  const heartbeat: Heartbeat = {
    clientId: "c",
    producerGroups: ["G"],
    consumers: [{
      groupName: "GID",
      consumeType: "CONSUME_PASSIVELY",
      messageModel: "BROADCASTING",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      subscriptions: [
        { topic: "T", expression: "TagA || TagB", expressionType: "TAG", version: 1 },
        { topic: "S", expression: "a > 3", expressionType: "SQL92", version: 2 },
      ],
    }],
  };
  assertEquals(readHeartbeatRequest(sent(createHeartbeatRequest(heartbeat))), heartbeat);
  const least = response({ body: '{"clientID":"x","producerDataSet":[{"groupName":"g"}]}' });
  assertEquals(readHeartbeatRequest(least), {
    clientId: "x",
    producerGroups: ["g"],
    consumers: [],
  });
});

Deno.test("heartbeat - a broker refuses what is none", () => {
  const bad: [string, string][] = [
    ["", "there is no body"],
    ["[]", "it is not an object"],
    ['{"producerDataSet":[]}', "clientID is not text"],
    ['{"clientID":"c","producerDataSet":{}}', "producerDataSet is not an array"],
    ['{"clientID":"c","producerDataSet":[{}]}', "producerDataSet[0].groupName is not text"],
    [`{"clientID":"c","producerDataSet":[${Array(4097).fill("{}")}]}`, "has 4097 entries"],
  ];
  for (const [body, reason] of bad) {
    assertProtocolError(
      () => readHeartbeatRequest(response({ body })),
      "Cannot read heartbeat",
      reason,
    );
  }
});

Deno.test("unregister - names the client and the group that leaves", () => {
  const request = createUnregisterClientRequest({ clientId: "c", producerGroup: "G" });
  assertEquals(request, { code: 35, extFields: { clientID: "c", producerGroup: "G" } });
  assertEquals(unregisterClientHeader.decode(request.extFields!), {
    clientId: "c",
    producerGroup: "G",
  });
  readUnregisterClientResponse(response(), context);
  assertRefusal(
    () => readUnregisterClientResponse(response({ code: 1 }), context),
    1,
    "unregister from the group",
  );
});
