import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/errors.ts";
import { decodeCommand, isResponse, RequestCode } from "../../src/remoting/mod.ts";
import * as requests from "../../src/requests/mod.ts";
import { readRecordedFrames } from "../remoting/fixtures.ts";
import { context } from "./support.ts";
import {
  createCheckTransactionStateRequest,
  readHeartbeatRequest,
  readSendMessageRequest,
} from "../../src/testing/requests.ts";
import { createEndTransactionRequest, createSendMessageRequest } from "../support/requests.ts";

const recorded = readRecordedFrames();
// deno-lint-ignore no-explicit-any
type AnyHeader = requests.HeaderCodec<any>;

/** The header codec of each request that has one. */
const REQUESTS: Record<number, AnyHeader> = {
  [RequestCode.SEND_MESSAGE]: requests.sendMessageV1Header,
  [RequestCode.SEND_MESSAGE_V2]: requests.sendMessageHeader,
  [RequestCode.SEND_BATCH_MESSAGE]: requests.sendMessageHeader,
  [RequestCode.PULL_MESSAGE]: requests.pullMessageHeader,
  [RequestCode.QUERY_MESSAGE]: requests.queryMessageHeader,
  [RequestCode.UPDATE_AND_CREATE_TOPIC]: requests.createTopicHeader,
  [RequestCode.SEARCH_OFFSET_BY_TIMESTAMP]: requests.searchOffsetHeader,
  [RequestCode.GET_MAX_OFFSET]: requests.getMaxOffsetHeader,
  [RequestCode.GET_MIN_OFFSET]: requests.getMinOffsetHeader,
  [RequestCode.VIEW_MESSAGE_BY_ID]: requests.viewMessageHeader,
  [RequestCode.RECALL_MESSAGE]: requests.recallMessageHeader,
  [RequestCode.UNREGISTER_CLIENT]: requests.unregisterClientHeader,
  [RequestCode.END_TRANSACTION]: requests.endTransactionHeader,
  [RequestCode.CHECK_TRANSACTION_STATE]: requests.checkTransactionStateHeader,
  [RequestCode.GET_ROUTEINFO_BY_TOPIC]: requests.getRouteInfoHeader,
};

/** The header codec of each answer that has one. */
const RESPONSES: Record<number, AnyHeader> = {
  [RequestCode.SEND_MESSAGE]: requests.sendMessageResponseHeader,
  [RequestCode.SEND_MESSAGE_V2]: requests.sendMessageResponseHeader,
  [RequestCode.SEND_BATCH_MESSAGE]: requests.sendMessageResponseHeader,
  [RequestCode.PULL_MESSAGE]: requests.pullMessageResponseHeader,
  [RequestCode.QUERY_MESSAGE]: requests.queryMessageResponseHeader,
  [RequestCode.RECALL_MESSAGE]: requests.recallMessageResponseHeader,
  [RequestCode.SEARCH_OFFSET_BY_TIMESTAMP]: requests.offsetResponseHeader,
  [RequestCode.GET_MAX_OFFSET]: requests.offsetResponseHeader,
  [RequestCode.GET_MIN_OFFSET]: requests.offsetResponseHeader,
};

/** Fields that other parts of the library add to any request: namespace, signature, stream type. */
const ADDED = ["ns", "nsd", "AccessKey", "Signature", "SecurityToken", "ReqT"];

/** The fields of a request's own header, without those that are empty. */
function ownFields(extFields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(extFields).filter(([name, value]) =>
      !ADDED.includes(name) && (value !== "" || name === "b")
    ),
  );
}

/** What is wrong with the headers that were recorded to see the broker refuse them. */
function faultOf({ name }: { name: string }): string | undefined {
  if (name.endsWith(".error.not-a-number")) return 'field "e" is "abc"';
  if (name.endsWith(".error.missing-field")) return 'field "b" is missing';
  if (name.endsWith(".error.end-transaction-missing-field")) {
    return 'field "commitLogOffset" is missing';
  }
  return undefined;
}

Deno.test("recorded headers - are read as the official library does, and written back the same", () => {
  const seen = new Set<string>();
  for (const line of recorded) {
    const decoded = decodeCommand(line.frame);
    const codec = isResponse(decoded) ? RESPONSES[line.requestCode ?? -1] : REQUESTS[line.code];
    if (!codec || Object.keys(line.customHeader ?? {}).length === 0 && isResponse(decoded)) {
      continue;
    }
    const fault = isResponse(decoded) ? undefined : faultOf(line);
    if (fault) {
      assertThrows(() => codec.decode(decoded.extFields), ProtocolError, fault, line.name);
      continue;
    }
    const text = codec.encode(codec.decode(decoded.extFields));
    for (const [name, value] of Object.entries(line.customHeader ?? {})) {
      // Ours has no empty optional text, and no false where there is nothing.
      if (value === "" && name !== "b" || value === false && text[name] === undefined) continue;
      if (!ADDED.includes(name)) assertEquals(text[name], String(value), `${line.name} ${name}`);
    }
    for (const [name, value] of Object.entries(text)) {
      assertEquals(value, decoded.extFields[name], `${line.name} ${name}`);
    }
    seen.add(codec.name);
  }
  assertEquals(seen.size, new Set([...Object.values(REQUESTS), ...Object.values(RESPONSES)]).size);
});

Deno.test("recorded sends - the fields have their long names, whatever the version", () => {
  let count = 0;
  for (const line of recorded) {
    const long = line.sendHeader ??
      (line.code === RequestCode.SEND_MESSAGE ? line.customHeader : undefined);
    if (!long || line.direction === "response" || faultOf(line)) continue;
    const header = readSendMessageRequest(decodeCommand(line.frame));
    const texts = (values: Record<string, unknown>) =>
      Object.fromEntries(
        Object.entries(values).filter(([, value]) => value !== "")
          .map(([name, value]) => [name, String(value)]),
      );
    assertEquals(texts(header), texts(long), line.name);
    count++;
  }
  assertEquals(count, 202);
});

Deno.test("recorded sends - ours builds the request that Java sent", () => {
  let count = 0;
  for (const line of recorded) {
    if (line.code !== 310 && line.code !== 320 || line.direction === "response") continue;
    const java = decodeCommand(line.frame);
    if (faultOf(line) || line.header.language !== "JAVA") continue;
    const fields = ownFields(java.extFields);
    const ours = createSendMessageRequest(
      readSendMessageRequest(java),
      java.body,
    );
    assertEquals(ours, { code: line.code, extFields: fields, body: java.body }, line.name);
    count++;
  }
  assertEquals(count, 178);
});

Deno.test("recorded answers to sends - status, ids and offsets are the official ones", () => {
  const statuses = new Map<string, number>();
  for (const line of recorded) {
    if (line.direction !== "response" || !line.offsetMsgId) continue;
    const answer = decodeCommand(line.frame);
    const read = requests.readSendMessageResponse(answer, context);
    statuses.set(read.status, (statuses.get(read.status) ?? 0) + 1);
    const offset = BigInt(`0x${read.offsetMessageId.slice(-16)}`);
    assertEquals(offset, BigInt(line.offsetMsgId.offset), line.name);
    assertEquals(read.queueOffset, BigInt(line.customHeader!.queueOffset as number), line.name);
    assertEquals(read.queueId, line.customHeader!.queueId, line.name);
    assertEquals(read.transactionId, line.customHeader!.transactionId, line.name);
    assertEquals([read.regionId, read.traceOn], [
      "DefaultRegion",
      answer.extFields.TRACE_ON === "true",
    ]);
    if (line.requestCode !== RequestCode.SEND_BATCH_MESSAGE) {
      assertEquals(read.offsetMessageIds, [read.offsetMessageId], line.name);
    }
  }
  assertEquals([...statuses.keys()].sort(), [
    "FLUSH_DISK_TIMEOUT",
    "FLUSH_SLAVE_TIMEOUT",
    "SEND_OK",
  ]);
});

Deno.test("recorded routes - are what the official library reads, quoted keys or bare ones", () => {
  let bare = 0, unknown = 0, known = 0;
  for (const line of recorded) {
    if (line.requestCode !== RequestCode.GET_ROUTEINFO_BY_TOPIC) continue;
    const answer = decodeCommand(line.frame);
    const route = requests.readGetRouteInfoResponse(answer, context);
    if (!route) {
      assertEquals(answer.code, 17, line.name);
      unknown++;
      continue;
    }
    known++;
    if (new TextDecoder().decode(answer.body).includes("{0:")) bare++;
    const { orderTopicConf, queueDatas, brokerDatas } = line.bodySummary.route;
    assertEquals(route.orderTopicConf ?? null, orderTopicConf, line.name);
    assertEquals(route.queueDatas, queueDatas, line.name);
    assertEquals(
      route.brokerDatas.map(({ cluster, brokerName, brokerAddrs }) => ({
        cluster,
        brokerName,
        brokerAddrs: Object.fromEntries(brokerAddrs),
      })),
      // deno-lint-ignore no-explicit-any
      brokerDatas.map(({ cluster, brokerName, brokerAddrs }: any) => ({
        cluster,
        brokerName,
        brokerAddrs,
      })),
      line.name,
    );
  }
  assertEquals({ known, unknown, bareSome: bare > 0 }, { known: 65, unknown: 11, bareSome: true });
});

Deno.test("recorded cluster information - its bare keys are understood", () => {
  const lines = recorded.filter((line) =>
    line.requestCode === RequestCode.GET_BROKER_CLUSTER_INFO && line.direction === "response"
  );
  for (const line of lines) {
    const info = requests.readGetBrokerClusterInfoResponse(decodeCommand(line.frame), context);
    const { brokerAddrTable, clusterAddrTable } = line.bodySummary.data;
    assertEquals(Object.fromEntries(info.clusters), clusterAddrTable);
    assertEquals([...info.brokers.keys()].sort(), Object.keys(brokerAddrTable).sort());
    for (const [name, broker] of info.brokers) {
      assertEquals(Object.fromEntries(broker.brokerAddrs), brokerAddrTable[name].brokerAddrs);
      assertEquals([broker.brokerName, broker.cluster], [name, brokerAddrTable[name].cluster]);
    }
  }
  assertEquals(lines.length, 2);
});

Deno.test("recorded heartbeats - are read, and Java's are what ours writes", () => {
  let count = 0;
  for (const line of recorded) {
    if (line.code !== RequestCode.HEART_BEAT || line.bodySummary?.type !== "heartbeat") continue;
    const { data } = line.bodySummary;
    const java = decodeCommand(line.frame);
    const read = readHeartbeatRequest(java);
    assertEquals(read.clientId, data.clientID, line.name);
    assertEquals(
      read.producerGroups.toSorted(),
      data.producerDataSet.map(({ groupName }: { groupName: string }) => groupName).sort(),
      line.name,
    );
    assertEquals(read.consumers?.length, data.consumerDataSet.length, line.name);
    if (
      line.header.language === "JAVA" && data.consumerDataSet.length === 0 &&
      data.heartbeatFingerprint === 0
    ) {
      const ours = requests.createHeartbeatRequest(read);
      assertEquals(ours.body, java.body.slice(), line.name);
      count++;
    }
  }
  assertEquals(count > 20, true, `${count} heartbeats`);
});

Deno.test("recorded verdicts and check-backs - ours builds the same", () => {
  let verdicts = 0, checks = 0;
  for (const line of recorded) {
    if (line.direction === "response" || faultOf(line)) continue;
    const java = decodeCommand(line.frame);
    if (line.code === RequestCode.END_TRANSACTION) {
      const header = requests.endTransactionHeader.decode(java.extFields);
      const ours = createEndTransactionRequest({
        ...header,
        commitOrRollback: header.commitOrRollback as requests.CommitOrRollback,
      }, java.remark);
      assertEquals(ours.extFields, ownFields(java.extFields), line.name);
      assertEquals(ours.remark, java.remark, line.name);
      verdicts++;
    } else if (line.code === RequestCode.CHECK_TRANSACTION_STATE) {
      const header = requests.readCheckTransactionStateRequest(java);
      const ours = createCheckTransactionStateRequest(header, java.body);
      assertEquals(ours, { code: 39, extFields: java.extFields, body: java.body }, line.name);
      checks++;
    }
  }
  assertEquals([verdicts > 60, checks > 30], [true, true], `${verdicts}, ${checks}`);
});

Deno.test("recorded pulls - status and offsets are the official ones", () => {
  const statuses = new Set<string>();
  for (const line of recorded) {
    if (line.requestCode !== RequestCode.PULL_MESSAGE) continue;
    const answer = decodeCommand(line.frame);
    const read = requests.readPullMessageResponse(answer, context);
    const { nextBeginOffset, minOffset, maxOffset } = line.customHeader as Record<string, number>;
    assertEquals(
      [read.nextBeginOffset, read.minOffset, read.maxOffset],
      [nextBeginOffset, minOffset, maxOffset].map((offset) => BigInt(offset!)),
      line.name,
    );
    assertEquals(read.body.length > 0, read.status === "FOUND", line.name);
    statuses.add(read.status);
  }
  assertEquals([...statuses].sort(), ["FOUND", "NOT_FOUND", "OFFSET_MOVED", "RETRY_IMMEDIATELY"]);
});
