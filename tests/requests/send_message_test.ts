import { assertEquals } from "@std/assert";
import {
  readSendMessageResponse,
  type SendMessageHeader,
  sendMessageResponseHeader,
  sendMessageV1Header,
} from "../../src/requests/mod.ts";
import { readSendMessageRequest } from "../../src/testing/requests.ts";
import { utf8 } from "../remoting/frames.ts";
import { createSendMessageRequest } from "../support/requests.ts";
import { assertProtocolError, assertRefusal, context, response, sent } from "./support.ts";

const header: SendMessageHeader = {
  producerGroup: "G",
  topic: "T",
  defaultTopic: "TBW102",
  defaultTopicQueueNums: 4,
  queueId: 2,
  sysFlag: 4,
  bornTimestamp: 1_795_368_747_334n,
  flag: 0,
  properties: "TRAN_MSG\u0001true\u0002",
  reconsumeTimes: 0,
  unitMode: false,
  batch: false,
  bname: "broker-a",
};
const MSG_ID = "7F00000100002A9F0000000000000185";
const stored = {
  msgId: MSG_ID,
  queueId: "2",
  queueOffset: "7",
  transactionId: "7F00000119B85FFD2B276FE919440000",
  MSG_REGION: "DefaultRegion",
  TRACE_ON: "true",
};

Deno.test("send - is written with the one-letter names of version 2", () => {
  const request = createSendMessageRequest(header, utf8("hello"));
  assertEquals(request, {
    code: 310,
    body: utf8("hello"),
    extFields: {
      a: "G",
      b: "T",
      c: "TBW102",
      d: "4",
      e: "2",
      f: "4",
      g: "1795368747334",
      h: "0",
      i: "TRAN_MSG\u0001true\u0002",
      j: "0",
      k: "false",
      m: "false",
      n: "broker-a",
    },
  });
  assertEquals(createSendMessageRequest({ ...header, batch: true }, utf8("x")).code, 320);
});

Deno.test("send - a broker reads both sets of names", () => {
  assertEquals(readSendMessageRequest(sent(createSendMessageRequest(header, utf8("x")))), header);
  const long = sent({ code: 10, extFields: sendMessageV1Header.encode(header) });
  assertEquals(long.extFields.producerGroup, "G");
  assertEquals(readSendMessageRequest(long), header);
  assertProtocolError(() => readSendMessageRequest(sent({ code: 10 })), 'field "producerGroup"');
});

Deno.test("send - the stored outcomes come back with their status", () => {
  const statuses = [[0, "SEND_OK"], [10, "FLUSH_DISK_TIMEOUT"], [11, "SLAVE_NOT_AVAILABLE"], [
    12,
    "FLUSH_SLAVE_TIMEOUT",
  ]] as const;
  for (const [code, status] of statuses) {
    const read = readSendMessageResponse(response({ code, extFields: stored }), context);
    assertEquals(read, {
      status,
      offsetMessageId: MSG_ID,
      offsetMessageIds: [MSG_ID],
      commitLogOffset: 389n,
      queueId: 2,
      queueOffset: 7n,
      transactionId: "7F00000119B85FFD2B276FE919440000",
      batchUniqId: undefined,
      recallHandle: undefined,
      regionId: "DefaultRegion",
      traceOn: true,
    });
  }
});

Deno.test("send - offsets beyond 2^53 and IPv6 ids keep every digit", () => {
  const msgId = "20010DB800000000000000000000000200002A9F7FFFFFFFFFFFFFFF";
  const extFields = { ...stored, msgId, queueOffset: "9223372036854775807", TRACE_ON: "false" };
  const read = readSendMessageResponse(response({ extFields }), context);
  assertEquals([read.offsetMessageId, read.queueOffset], [msgId, 9_223_372_036_854_775_807n]);
  assertEquals(read.commitLogOffset, 9_223_372_036_854_775_807n);
  assertEquals(read.traceOn, false);
});

Deno.test("send - a remark does not make a failure of a success", () => {
  const answer = response({ extFields: stored, remark: "not set any response code" });
  assertEquals(readSendMessageResponse(answer, context).status, "SEND_OK");
});

Deno.test("send - an answer that can't name the half message is a protocol error (C1)", () => {
  for (const name of ["msgId", "queueId", "queueOffset"] as const) {
    const { [name]: _, ...rest } = stored;
    assertProtocolError(
      () => readSendMessageResponse(response({ extFields: rest }), context),
      "SEND_MESSAGE response",
      `field "${name}" is missing`,
    );
  }
  const bad = [["queueOffset", "NaN"], ["queueOffset", "-1"], ["queueOffset", ""], [
    "queueId",
    "-1",
  ], [
    "queueId",
    "x",
  ]] as const;
  for (const [name, value] of bad) {
    const error = assertProtocolError(
      () => readSendMessageResponse(response({ extFields: { ...stored, [name]: value } }), context),
      `field "${name}" is "${value}"`,
    );
    assertEquals([error.address, error.brokerName], [context.address, "broker-a"]);
  }
});

Deno.test("send - a message id is 32 or 56 hex digits, for a batch several (C2)", () => {
  const read = (msgId: string) =>
    readSendMessageResponse(response({ extFields: { ...stored, msgId } }), context);
  const bad = [
    "",
    "x",
    MSG_ID.slice(1),
    `${MSG_ID}0`,
    `G${MSG_ID.slice(1)}`,
    ` ${MSG_ID.slice(1)}`,
  ];
  for (const msgId of [...bad, `${MSG_ID},`, `${MSG_ID},x`, `${MSG_ID}, ${MSG_ID}`]) {
    assertProtocolError(() => read(msgId), 'field "msgId"', "32 or 56 hex digits");
  }
  const second = "7f00000100002a9f00000000000001be";
  const batch = read(`${MSG_ID},${second}`);
  assertEquals([batch.offsetMessageId, batch.offsetMessageIds], [MSG_ID, [MSG_ID, second]]);
});

Deno.test("send - a refusal names topic, server, code and remedy (C4)", () => {
  const refuse = (code: number, remark = "why") => () =>
    readSendMessageResponse(response({ code, remark, extFields: stored }), context);
  assertRefusal(
    refuse(17),
    17,
    'Cannot send a message (topic "TopicTest"): broker "broker-a" at 10.0.0.1:10911 refused it',
    "create the topic, or switch on autoCreateTopicEnable",
    '"why"',
  );
  assertRefusal(refuse(16), 16, "check access key and permissions");
  assertRefusal(refuse(13), 13, "maxMessageSize");
  assertRefusal(refuse(14), 14, "does not store messages now");
  assertRefusal(refuse(29), 29);
  const retriable = [2, 14, 215, 1500].map((code) => assertRefusal(refuse(code), code).isRetriable);
  const final = [1, 13, 16, 17, 29, 9999].map((code) =>
    assertRefusal(refuse(code), code).isRetriable
  );
  assertEquals([retriable, final], [Array(4).fill(true), Array(6).fill(false)]);
});

Deno.test("send - code 13 has several reasons, and the remedy fits the one that the remark names", () => {
  const refuse = (remark: string) => () =>
    readSendMessageResponse(response({ code: 13, remark }), context);
  const wrong = (expected: string) =>
    `TopicMessageType validate failed, the expected type is ${expected}, but actual type is TRANSACTION`;
  assertRefusal(
    refuse(wrong("NORMAL")),
    13,
    "it is for NORMAL: make a topic with message.type=TRANS",
  );
  assertRefusal(refuse(wrong("UNSPECIFIED")), 13, "it knows no such topic: make a topic");
  assertRefusal(
    refuse("timer message illegal, the delay time should not be bigger than the max delay"),
    13,
    "beyond timerMaxDelaySec",
  );
});

Deno.test("send - a remark is shown on one line, escaped and cut (C5)", () => {
  const remark = `a\r\nb\u001b[31m${"x".repeat(10 * 1024 * 1024)}`;
  const error = assertRefusal(
    () => readSendMessageResponse(response({ code: 2, remark }), context),
    2,
    "a\\u000d\\nb\\u001b[31m",
  );
  assertEquals([error.remark.length, /[\p{Cc}]/u.test(error.message)], [512, false]);
});

Deno.test("send - the answer can be written as a broker does", () => {
  const fields = { msgId: MSG_ID, queueId: 2, queueOffset: 7n, regionId: "R", traceOn: "true" };
  const extFields = sendMessageResponseHeader.encode(fields);
  assertEquals(extFields, {
    msgId: MSG_ID,
    queueId: "2",
    queueOffset: "7",
    MSG_REGION: "R",
    TRACE_ON: "true",
  });
  assertEquals(readSendMessageResponse(response({ extFields }), context).regionId, "R");
});
