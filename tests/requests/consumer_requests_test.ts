import { assertEquals, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import * as requests from "../../src/requests/mod.ts";
import { utf8 } from "../remoting/frames.ts";
import { assertProtocolError, assertRefusal, context, response } from "./support.ts";

const offsets = {
  suggestWhichBrokerId: "0",
  nextBeginOffset: "9007199254740993",
  minOffset: "0",
  maxOffset: "9223372036854775807",
};

Deno.test("pull - has defaults that need no heartbeat of a consumer", () => {
  const fields = { consumerGroup: "GID", topic: "T", queueId: 1, queueOffset: 5n };
  assertEquals(requests.createPullMessageRequest(fields), {
    code: 11,
    extFields: {
      consumerGroup: "GID",
      topic: "T",
      queueId: "1",
      queueOffset: "5",
      maxMsgNums: "32",
      sysFlag: "4",
      commitOffset: "0",
      suspendTimeoutMillis: "0",
      subVersion: "0",
      subscription: "*",
      expressionType: "TAG",
    },
  });
  const { SUBSCRIPTION, SUSPEND } = requests.PullSysFlag;
  const long = requests.createPullMessageRequest({
    ...fields,
    sysFlag: SUBSCRIPTION | SUSPEND,
    suspendTimeoutMillis: 20_000n,
    maxMsgNums: 1,
    subscription: "TagA",
  });
  const { sysFlag, suspendTimeoutMillis, maxMsgNums, subscription } = long.extFields!;
  assertEquals([sysFlag, suspendTimeoutMillis, maxMsgNums, subscription], [
    "6",
    "20000",
    "1",
    "TagA",
  ]);
});

Deno.test("pull - four codes are outcomes, the others errors", () => {
  const statuses = [[0, "FOUND"], [19, "NOT_FOUND"], [20, "RETRY_IMMEDIATELY"], [
    21,
    "OFFSET_MOVED",
  ]] as const;
  for (const [code, status] of statuses) {
    const answer = response({ code, extFields: offsets, body: code === 0 ? "messages" : "" });
    assertEquals(requests.readPullMessageResponse(answer, context), {
      status,
      isReset: false,
      nextBeginOffset: 9_007_199_254_740_993n,
      minOffset: 0n,
      maxOffset: 9_223_372_036_854_775_807n,
      suggestWhichBrokerId: 0n,
      body: utf8(code === 0 ? "messages" : ""),
    });
  }
  const reset = response({ code: 21, remark: "OFFSET_RESET", extFields: offsets });
  assertEquals(requests.readPullMessageResponse(reset, context).isReset, true);
  assertRefusal(
    () => requests.readPullMessageResponse(response({ code: 26 }), context),
    26,
    "autoCreateSubscriptionGroup",
  );
  assertProtocolError(
    () =>
      requests.readPullMessageResponse(
        response({ extFields: { ...offsets, nextBeginOffset: "-1" } }),
        context,
      ),
    'field "nextBeginOffset" is "-1"',
  );
});

Deno.test("offsets - each question has its code, each answer is one bigint", () => {
  const queue = { topic: "T", queueId: 3 };
  assertEquals(requests.createGetMaxOffsetRequest({ ...queue, committed: true }), {
    code: 30,
    extFields: { topic: "T", queueId: "3", committed: "true" },
  });
  assertEquals(requests.createGetMinOffsetRequest(queue), {
    code: 31,
    extFields: { topic: "T", queueId: "3" },
  });
  assertEquals(
    requests.createSearchOffsetRequest({ ...queue, timestamp: 5n, boundaryType: "UPPER" }),
    {
      code: 29,
      extFields: { topic: "T", queueId: "3", timestamp: "5", boundaryType: "UPPER" },
    },
  );
  const readers = [
    requests.readGetMaxOffsetResponse,
    requests.readGetMinOffsetResponse,
    requests.readSearchOffsetResponse,
    requests.readQueryConsumerOffsetResponse,
  ];
  for (const read of readers) {
    assertEquals(
      read(response({ extFields: { offset: "9223372036854775807" } }), context),
      2n ** 63n - 1n,
    );
    assertEquals(read(response({ extFields: { offset: "-1" } }), context), -1n);
    assertProtocolError(() => read(response(), context), 'field "offset" is missing');
    assertRefusal(() => read(response({ code: 17 }), context), 17, "create the topic");
  }
});

Deno.test("consumer offset - none is an outcome", () => {
  const queue = { consumerGroup: "GID", topic: "T", queueId: 0 };
  assertEquals(requests.createQueryConsumerOffsetRequest(queue), {
    code: 14,
    extFields: { consumerGroup: "GID", topic: "T", queueId: "0" },
  });
  assertEquals(
    requests.readQueryConsumerOffsetResponse(response({ code: 22 }), context),
    undefined,
  );
  assertEquals(requests.createUpdateConsumerOffsetRequest({ ...queue, commitOffset: 9n }), {
    code: 15,
    extFields: { consumerGroup: "GID", topic: "T", queueId: "0", commitOffset: "9" },
  });
  requests.readUpdateConsumerOffsetResponse(response(), context);
  assertRefusal(
    () => requests.readUpdateConsumerOffsetResponse(response({ code: 26 }), context),
    26,
  );
});

Deno.test("topic creation - attributes are set with a plus", () => {
  const attributes = { "message.type": "TRANSACTION" };
  assertEquals(requests.createCreateTopicRequest({ topic: "T", attributes }), {
    code: 17,
    extFields: {
      topic: "T",
      defaultTopic: "TBW102",
      readQueueNums: "4",
      writeQueueNums: "4",
      perm: "6",
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: "0",
      order: "false",
      attributes: "+message.type=TRANSACTION",
    },
  });
  const two = requests.createCreateTopicRequest({
    topic: "T",
    perm: 4,
    attributes: { a: "1", b: "2" },
  });
  assertEquals([two.extFields?.attributes, two.extFields?.perm], ["+a=1,+b=2", "4"]);
  const none = requests.createCreateTopicRequest({ topic: "T", attributes: {} });
  assertEquals(none.extFields?.attributes, undefined);
  const bad: Record<string, string>[] = [{ "a,b": "1" }, { a: "1,+b=2" }, { a: "" }, { "": "1" }, {
    "-a": "1",
  }];
  for (const attributes of bad) {
    assertThrows(
      () => requests.createCreateTopicRequest({ topic: "T", attributes }),
      InvalidArgumentError,
      "Cannot create the topic: attribute",
    );
  }
  requests.readCreateTopicResponse(response(), context);
  assertRefusal(
    () => requests.readCreateTopicResponse(response({ code: 29 }), context),
    29,
    "create the topic",
  );
});

Deno.test("records - by offset, and by key", () => {
  assertEquals(requests.createViewMessageRequest({ offset: 389n }), {
    code: 33,
    extFields: { offset: "389" },
  });
  assertEquals(
    requests.readViewMessageResponse(response({ body: "record" }), context),
    utf8("record"),
  );
  assertEquals(requests.readViewMessageResponse(response(), context).length, 0);
  assertRefusal(
    () => requests.readViewMessageResponse(response({ code: 1 }), context),
    1,
    "view a message",
  );

  const query = { topic: "T", key: "K", maxNum: 32, beginTimestamp: 0n, endTimestamp: 9n };
  const byKey = requests.createQueryMessageRequest(query);
  assertEquals([byKey.code, byKey.extFields?._UNIQUE_KEY_QUERY], [12, undefined]);
  const byId = requests.createQueryMessageRequest({ ...query, uniqueKeyQuery: true });
  assertEquals(byId.extFields?._UNIQUE_KEY_QUERY, "true");
  const found = response({ body: "records", extFields: { indexLastUpdatePhyoffset: "75447" } });
  assertEquals(requests.readQueryMessageResponse(found, context), {
    indexLastUpdatePhyoffset: 75_447n,
    body: utf8("records"),
  });
  assertEquals(requests.readQueryMessageResponse(response({ code: 22 }), context).body.length, 0);
  assertRefusal(() => requests.readQueryMessageResponse(response({ code: 16 }), context), 16);
});
