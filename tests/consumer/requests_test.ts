import { assertEquals, assertThrows } from "@std/assert";
import { BrokerResponseError, ProtocolError } from "../../src/errors.ts";
import { decodeCommand, type RemotingCommand, RequestCode } from "../../src/remoting/mod.ts";
import * as requests from "../../src/requests/mod.ts";
import { assertProtocolError, assertRefusal, context, response } from "../requests/support.ts";
import { readConsumerFrames, readConsumerVectors } from "./fixtures.ts";

interface Recorded {
  name: string;
  command: RemotingCommand;
  // deno-lint-ignore no-explicit-any
  data: any;
}

function recorded(code: number, direction: "request" | "response" | "oneway"): Recorded[] {
  const frames = readConsumerFrames(code)
    .filter((frame) => frame.direction === direction)
    .map(({ name, frame, bodySummary }) => ({
      name,
      command: decodeCommand(frame),
      data: bodySummary?.data,
    }));
  if (frames.length === 0) throw new Error(`No ${direction} ${code} was recorded`);
  return frames;
}

const json = (bytes: Uint8Array | undefined) => JSON.parse(new TextDecoder().decode(bytes));

interface LockInput {
  group: string;
  clientId: string;
  topic: string;
  queues: [string, number][];
}

function lockFields({ group, clientId, topic, queues }: LockInput): requests.QueueLockFields {
  return {
    consumerGroup: group,
    clientId,
    queues: queues.map(([brokerName, queueId]) => ({ topic, brokerName, queueId })),
  };
}

Deno.test("queue locks - are asked for and given up in the words of the Java library", () => {
  const kinds = [
    ["lock-request", requests.createLockQueuesRequest, 41],
    ["unlock-request", requests.createUnlockQueuesRequest, 42],
  ] as const;
  for (const [kind, create, code] of kinds) {
    for (
      const { name, input, expected } of readConsumerVectors<LockInput, string>(
        "consumer-bodies",
        kind,
      )
    ) {
      const request = create(lockFields(input));
      assertEquals(request.code, code, name);
      assertEquals(new TextDecoder().decode(request.body), expected, name);
    }
  }
});

Deno.test("queue locks - a broker says which ones the client has, and only code 0 is an answer", () => {
  for (const { name, command, data } of recorded(41, "response")) {
    const { lockOKMQSet } = data;
    assertEquals(requests.readLockQueuesResponse(command, context), lockOKMQSet, name);
  }
  for (const { command } of recorded(42, "response")) {
    requests.readUnlockQueuesResponse(command, context);
  }
  assertRefusal(() => requests.readLockQueuesResponse(response({ code: 1 }), context), 1, "lock");
  assertRefusal(() => requests.readUnlockQueuesResponse(response({ code: 2 }), context), 2);
  assertProtocolError(
    () =>
      requests.readLockQueuesResponse(
        response({ body: '{"lockOKMQSet":[{"topic":"T","brokerName":"b","queueId":-1}]}' }),
        context,
      ),
    "lockOKMQSet[0].queueId is -1",
  );
});

Deno.test("members - are listed sorted and once, and a broker without any lists none", () => {
  for (const { name, command } of recorded(38, "request")) {
    const fields = requests.consumerGroupHeader.decode(command.extFields);
    assertEquals(requests.createGetConsumerListRequest(fields).extFields, command.extFields, name);
  }
  for (const { name, command, data } of recorded(38, "response")) {
    const { members } = requests.readGetConsumerListResponse(command, context);
    assertEquals(members, (data?.consumerIdList ?? []).toSorted(), name);
  }
  const twice = response({ body: '{"consumerIdList":["b","a","b"]}' });
  assertEquals(requests.readGetConsumerListResponse(twice, context), {
    members: ["a", "b"],
    repeated: ["b"],
  });
  assertRefusal(
    () => requests.readGetConsumerListResponse(response({ code: 1, remark: "other" }), context),
    1,
  );
});

Deno.test("members - a notice that they changed names the group", () => {
  for (const { name, command } of recorded(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, "oneway")) {
    const { consumerGroup } = requests.consumerGroupHeader.decode(command.extFields);
    assertEquals({ consumerGroup }, command.extFields, name);
  }
});

Deno.test("send back - has the fields of the Java client, and a refusal is an error", () => {
  for (const { name, command } of recorded(36, "request")) {
    const fields = requests.sendBackHeader.decode(command.extFields);
    assertEquals(requests.createSendBackRequest(fields), {
      code: 36,
      extFields: command.extFields,
    }, name);
  }
  const codes = new Set<number>();
  for (const { name, command } of recorded(36, "response")) {
    const read = () => requests.readSendBackResponse(command, context);
    codes.add(command.code);
    if (command.code === 0) read();
    else assertThrows(read, BrokerResponseError, "Cannot send a message back", name);
  }
  assertEquals([...codes].sort(), [0, 1, 26]);
});

Deno.test("subscription check - sends the data of Java's, and a broken expression comes with the parser's words", () => {
  for (const { name, data } of recorded(46, "request")) {
    if (!data) continue;
    const { clientId, group, subscriptionData: { topic, subString, subVersion } } = data;
    const request = requests.createCheckSubscriptionRequest({
      clientId,
      group,
      subscription: {
        topic,
        expression: subString,
        expressionType: "SQL92",
        version: subVersion,
      },
    });
    assertEquals(json(request.body), { ...data, namespace: "" }, name);
  }
  const [bad] = recorded(46, "response").filter(({ command }) => command.code === 23);
  assertRefusal(
    () => requests.readCheckSubscriptionResponse(bad!.command, context),
    23,
    "correct the expression",
    "ParseException",
  );
  const remark = "The broker does not support consumer to filter message by SQL92";
  assertRefusal(
    () => requests.readCheckSubscriptionResponse(response({ code: 1, remark }), context),
    1,
    "enablePropertyFilter=true",
  );
});

Deno.test("heartbeat - a consumer says what Java's says: versions, hashes of tags, SQL", () => {
  interface Input {
    clientId: string;
    group: string;
    consumeType: string;
    messageModel: string;
    consumeFromWhere: string;
    subscriptions: [string, string, requests.ExpressionType][];
  }
  for (
    const { name, input, expected } of readConsumerVectors<Input, { json: string }>(
      "consumer-bodies",
      "heartbeat",
    )
  ) {
    const official = JSON.parse(expected.json);
    const types: string[] = ["CONSUME_ACTIVELY", "CONSUME_PASSIVELY"];
    const models: string[] = ["CLUSTERING", "BROADCASTING"];
    if (!types.includes(input.consumeType) || !models.includes(input.messageModel)) continue;
    const versions = official.consumerDataSet[0].subscriptionDataSet
      .map((data: { topic: string; subVersion: number }) => [data.topic, data.subVersion]);
    const version = new Map<string, number>(versions);
    const request = requests.createHeartbeatRequest({
      clientId: input.clientId,
      producerGroups: [],
      consumers: [{
        groupName: input.group,
        consumeType: input.consumeType as "CONSUME_ACTIVELY",
        messageModel: input.messageModel as "CLUSTERING",
        consumeFromWhere: input.consumeFromWhere,
        subscriptions: input.subscriptions.map(([topic, expression, expressionType]) => ({
          ...{ topic, expression, expressionType, version: version.get(topic)! },
        })),
      }],
    });
    assertEquals(inOrder(json(request.body)), inOrder(official), name);
  }
});

/** The heartbeat with its subscriptions by topic: Java writes sets in the order of hashes. */
// deno-lint-ignore no-explicit-any
function inOrder(body: any): unknown {
  const [consumer] = body.consumerDataSet;
  const subscriptionDataSet = consumer.subscriptionDataSet
    .toSorted((a: { topic: string }, b: { topic: string }) => a.topic < b.topic ? -1 : 1);
  return { ...body, consumerDataSet: [{ ...consumer, subscriptionDataSet }] };
}

Deno.test("pull - the flags are those of the Java library", () => {
  type Flags = Record<"commit" | "suspend" | "subscription" | "classFilter" | "litePull", boolean>;
  const { COMMIT_OFFSET, SUSPEND, SUBSCRIPTION } = requests.PullSysFlag;
  for (
    const { name, input, expected } of readConsumerVectors<Flags, number>(
      "subscription",
      "pull-sys-flag",
    )
  ) {
    const flag = (input.commit ? COMMIT_OFFSET : 0) | (input.suspend ? SUSPEND : 0) |
      (input.subscription ? SUBSCRIPTION : 0);
    // Filter classes (8) and lite pulls (16) are not for this client.
    assertEquals(flag, expected & ~(8 | 16), name);
  }
});

Deno.test("group subscriptions - are read as the broker has them", () => {
  for (const { name, command } of recorded(203, "request")) {
    const fields = requests.consumerGroupHeader.decode(command.extFields);
    assertEquals(
      requests.createGetConsumerConnectionsRequest(fields).extFields,
      command.extFields,
      name,
    );
  }
  for (const { name, command, data } of recorded(203, "response")) {
    const table = requests.readGroupSubscriptionsResponse(command, context);
    assertEquals([...table.keys()], Object.keys(data.subscriptionTable), name);
    for (const { expression, expressionType } of table.values()) {
      assertEquals([expression, expressionType], ["*", "TAG"], name);
    }
  }
  assertRefusal(
    () => requests.readGroupSubscriptionsResponse(response({ code: 206 }), context),
    206,
  );
});

Deno.test("group configuration - brokers of version 4 can't tell it, and a missing group has a remedy", () => {
  const read = (body: string) => requests.readGroupConfigResponse(response({ body }), context);
  const config = { consumeEnable: false, retryQueueNums: 0, retryMaxTimes: 16 };
  assertEquals(read(JSON.stringify(config)), { consumeEnable: false, retryQueueNums: 0 });
  assertEquals(read("{}"), { consumeEnable: true, retryQueueNums: 1 });
  assertProtocolError(() => read('{"consumeEnable":"no"}'), "is neither true nor false");
  const old = response({ code: 3, remark: " request type 352 not supported" });
  assertEquals(requests.readGroupConfigResponse(old, context), undefined);
  assertThrows(
    () => requests.readGroupConfigResponse(response({ code: 26 }), context),
    BrokerResponseError,
    "autoCreateSubscriptionGroup=true",
  );
});

interface Reset {
  topic: string;
  queues: [brokerName: string, queueId: number][];
  offset: number;
}

Deno.test("operator requests - offsets by queue are read and written like Java's", () => {
  const vectors = readConsumerVectors<Reset, { text: string; readBack: number }>(
    "consumer-bodies",
    "reset-offset-body",
  );
  const keyOf = ({ queue, offset }: requests.QueueOffset) =>
    `${queue.topic} ${queue.brokerName} ${queue.queueId} ${offset}`;
  for (const { name, input, expected } of vectors) {
    const wanted = input.queues.map(([brokerName, queueId]) => ({
      queue: { topic: input.topic, brokerName, queueId },
      offset: BigInt(input.offset),
    }));
    const theirs = requests.readResetRequest(response({ body: expected.text }), context);
    assertEquals(theirs.map(keyOf).sort(), wanted.map(keyOf).sort(), name);
    const ours = new TextDecoder().decode(requests.encodeReset(wanted));
    assertEquals(requests.readResetRequest(response({ body: ours }), context), wanted, name);
    if (wanted.length <= 1) assertEquals(ours, expected.text, name);
  }
  for (const { name, command } of recorded(220, "oneway")) {
    const { group, topic } = requests.groupTopicHeader.decode(command.extFields);
    assertEquals([group, topic], [command.extFields.group, command.extFields.topic], name);
    assertEquals(requests.readResetRequest(command, context).length, 2, name);
  }
  for (const body of ['{"offsetTable":{"a":1}}', '{"offsetTable":{{"topic":"T"}:1}}', "{{", ""]) {
    assertThrows(() => requests.readResetRequest(response({ body }), context), ProtocolError);
  }
});

Deno.test("operator requests - answers have the words of the Java client", () => {
  for (const { name, command } of recorded(221, "response")) {
    const text = new TextDecoder().decode(command.body);
    const offsets = [
      ...text.matchAll(/"brokerName":"([^"]+)","queueId":(\d+),"topic":"([^"]+)"\}:(\d+)/g),
    ]
      .map(([, brokerName, queueId, topic, offset]) => ({
        queue: { brokerName: brokerName!, queueId: Number(queueId), topic: topic! },
        offset: BigInt(offset!),
      }));
    assertEquals(new TextDecoder().decode(requests.encodeConsumerStatus(offsets)), text, name);
  }
  for (const { name, command, data } of recorded(309, "response")) {
    const result = requests.encodeDirectResult({ ...data });
    assertEquals(json(result), json(command.body), name);
  }
  for (const { command } of [...recorded(307, "request"), ...recorded(309, "request")]) {
    const { consumerGroup, clientId } = requests.groupMemberHeader.decode(command.extFields);
    assertEquals([consumerGroup, clientId], [
      command.extFields.consumerGroup,
      command.extFields.clientId,
    ]);
  }
  const info = requests.encodeRunningInfo({
    properties: { PROP_CONSUMEORDERLY: "false" },
    subscriptions: [],
    queues: [{
      queue: { topic: "T", brokerName: "b", queueId: 1 },
      ...{ commitOffset: 7n, cachedMessages: 2, isLocked: true },
    }],
  });
  const [recordedInfo] = recorded(307, "response");
  const names = (text: string) => new Set([...text.matchAll(/"(\w+)":/g)].map(([, name]) => name));
  const theirs = names(new TextDecoder().decode(recordedInfo!.command.body));
  for (const name of names(new TextDecoder().decode(info))) {
    assertEquals(theirs.has(name), true, name);
  }
});
