import { assertEquals, assertThrows } from "@std/assert";
import { BrokerResponseError } from "../../src/errors.ts";
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
