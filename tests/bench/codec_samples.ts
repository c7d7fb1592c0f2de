import { encodeProperties, encodeStoredMessage, MessageProperty } from "../../src/message/mod.ts";
import {
  createRequest,
  createResponse,
  encodeCommand,
  LanguageCode,
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  SerializeType,
} from "../../src/remoting/mod.ts";
import {
  CommitOrRollback,
  type EndTransactionVarying,
  PreparedRequest,
  prepareEndTransactionHeaders,
  prepareSendMessageHeaders,
  sendMessageResponseHeader,
  type SendMessageVarying,
} from "../../src/requests/mod.ts";
import { createCheckTransactionStateRequest } from "../../src/testing/requests.ts";
import { encodeTopicRouteData } from "../support/requests.ts";
import { createBody } from "./workload.ts";

/** The bodies that are measured: what they are shown as, and their size in bytes. */
export const BODIES = [["128 B", 128], ["4 KiB", 4096], ["1 MiB", 2 ** 20]] as const;

/** The routes that are measured: what they are shown as, and how many brokers they have. */
export const ROUTES = [["1 broker", 1], ["20 brokers", 20], ["4096 brokers", 4096]] as const;

/** The chunks that streams are cut into: what they are shown as, and their size in bytes. */
export const CHUNKS = [["1 B", 1], ["7 B", 7], ["64 KiB", 65_536]] as const;

/** Both forms of a header. */
export const FORMS = [SerializeType.JSON, SerializeType.ROCKETMQ] as const;

/** The version ordinal of a 5.5.0 server. */
const SERVER_VERSION = 513;

const TOPIC = "bench_deno_tx", GROUP = "bench_deno", BROKER = "broker-a";
const UNIQUE_KEY = "7F0000010C2D5FFD2B276FE41B30001F";
const OFFSET_ID = "7F00000100002A9F0000000000004A09";

/** Makes requests as a transaction producer makes them: with headers that were prepared once. */
export class SampleProducer {
  readonly #sendHeaders = prepareSendMessageHeaders({
    producerGroup: GROUP,
    defaultTopic: "TBW102",
    defaultTopicQueueNums: 4,
  });
  readonly #endHeaders = prepareEndTransactionHeaders(GROUP);
  readonly #properties = encodeProperties({
    [MessageProperty.UniqueKey]: UNIQUE_KEY,
    WAIT: "true",
    TRAN_MSG: "true",
    [MessageProperty.ProducerGroup]: GROUP,
  });

  /** The send of a half message. */
  send(body: Uint8Array): RemotingRequest {
    const varying: SendMessageVarying = {
      queueId: 3,
      sysFlag: 4,
      bornTimestamp: 1_795_368_420_144n,
      flag: 0,
      properties: this.#properties,
      batch: false,
      bname: BROKER,
    };
    const header = this.#sendHeaders.get(TOPIC);
    return new PreparedRequest({ code: RequestCode.SEND_MESSAGE_V2, header, varying, body });
  }

  /** The verdict over one. */
  end(): RemotingRequest {
    const varying: EndTransactionVarying = {
      tranStateTableOffset: 1_234_567n,
      commitLogOffset: 987_654_321n,
      commitOrRollback: CommitOrRollback.Commit,
      fromTransactionCheck: false,
      msgId: UNIQUE_KEY,
      transactionId: UNIQUE_KEY,
      bname: BROKER,
    };
    return new PreparedRequest({
      code: RequestCode.END_TRANSACTION,
      header: this.#endHeaders.get(TOPIC),
      varying,
    });
  }
}

/** A command under a number, with the header in the given form. */
export function sampleCommand(request: RemotingRequest, form: SerializeType): RemotingCommand {
  return { ...createRequest(request, 12_345), serializeType: form };
}

/** What a broker of version 5.5.0 asks about a half message with such a body. */
export function checkBack(bodySize: number, form: SerializeType): RemotingCommand {
  const halfMessage = encodeStoredMessage({
    topic: TOPIC,
    body: createBody(bodySize),
    queueId: 3,
    queueOffset: 1_234_567n,
    commitLogOffset: 987_654_321n,
    bornTimestamp: 1_795_368_420_144,
    bornHost: "127.0.0.1:46042",
    storeTimestamp: 1_795_368_420_145,
    storeHost: "127.0.0.1:10911",
    properties: {
      TRANSACTION_CHECK_TIMES: "1",
      MSG_REGION: "DefaultRegion",
      [MessageProperty.UniqueKey]: UNIQUE_KEY,
      CLUSTER: "DefaultCluster",
      WAIT: "true",
      TRAN_MSG: "true",
      [MessageProperty.ProducerGroup]: GROUP,
      REAL_TOPIC: TOPIC,
      REAL_QID: "3",
      TRACE_ON: "true",
    },
  });
  const request = createCheckTransactionStateRequest({
    tranStateTableOffset: 1_234_567n,
    commitLogOffset: 987_654_321n,
    msgId: UNIQUE_KEY,
    transactionId: UNIQUE_KEY,
    offsetMsgId: OFFSET_ID,
    topic: "RMQ_SYS_TRANS_HALF_TOPIC",
    bname: BROKER,
  }, halfMessage);
  const fromServer = { language: LanguageCode.JAVA, version: SERVER_VERSION, flag: 2 };
  return { ...createRequest(request, 233), ...fromServer, serializeType: form };
}

/** What a broker of version 5.5.0 answers to a send. */
export function sendResponse(form: SerializeType): RemotingCommand {
  return serverResponse(form, {
    extFields: sendMessageResponseHeader.encode({
      queueId: 3,
      transactionId: UNIQUE_KEY,
      msgId: OFFSET_ID,
      traceOn: "true",
      regionId: "DefaultRegion",
      queueOffset: 1_234_567n,
    }),
  });
}

/** What a broker answers to a heartbeat, and to a verdict. */
export function emptyResponse(form: SerializeType): RemotingCommand {
  return serverResponse(form, {});
}

/** What a name server answers: a topic with 8 queues on each of some brokers. */
export function routeResponse(brokers: number, form: SerializeType): RemotingCommand {
  const names = Array.from({ length: brokers }, (_, i) => `broker-${i}`);
  const body = encodeTopicRouteData({
    queueDatas: names.map((brokerName) => ({
      brokerName,
      readQueueNums: 8,
      writeQueueNums: 8,
      perm: 6,
      topicSysFlag: 0,
    })),
    brokerDatas: names.map((brokerName, i) => ({
      cluster: "DefaultCluster",
      brokerName,
      brokerAddrs: new Map([0, 1].map((id) => [id, `10.${i >> 8}.${i & 255}.${id + 1}:10911`])),
    })),
  });
  return serverResponse(form, { body });
}

function serverResponse(
  form: SerializeType,
  response: { extFields?: Record<string, string>; body?: Uint8Array },
): RemotingCommand {
  const command = createResponse({ opaque: 12_345, serializeType: form }, response);
  return { ...command, language: LanguageCode.JAVA, version: SERVER_VERSION };
}

/** A stream of what a broker sends to a busy producer, cut into chunks of one size. */
export function cutStream(form: SerializeType, chunkSize: number, size = 2 ** 18): Uint8Array[] {
  const frames = [sendResponse(form), emptyResponse(form), checkBack(128, form)].map(encodeCommand);
  const parts: Uint8Array[] = [];
  for (let length = 0, i = 0; length < size; i++) {
    const frame = frames[i % frames.length]!;
    parts.push(frame);
    length += frame.length;
  }
  const bytes = joinBytes(parts), chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) {
    chunks.push(bytes.slice(at, at + chunkSize));
  }
  return chunks;
}

/** The header of a frame, without what stands before it. */
export function headerOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(8, 8 + (frame[5]! << 16 | frame[6]! << 8 | frame[7]!));
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
