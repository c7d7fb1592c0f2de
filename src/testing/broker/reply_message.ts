import { decodeProperties, encodeProperties, MessageProperty } from "../../message/mod.ts";
import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import type { SendMessageHeader } from "../../requests/mod.ts";
import { messageFacts } from "../activity.ts";
import { type Answer, type Handler, Refusal } from "../net/answer.ts";
import { createPushReplyMessageRequest, readSendMessageRequest } from "../requests.ts";
import type { MessageInput } from "../store/message_store.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { findTopic, REGION, sendAnswer } from "./send_message.ts";

/** The requests that answer a request message: a reply is passed on at once, and stored as well. */
export function replyHandlers(broker: BrokerParts): [number, Handler][] {
  const reply: Handler = async (request, { remote }) => {
    const header = readSendMessageRequest(request);
    const topic = findTopic(broker, header, remote);
    const queueId = header.queueId >= 0
      ? header.queueId
      : Math.floor(broker.clock.random() * Math.max(1, topic.writeQueueNums));
    const properties = { ...decodeProperties(header.properties ?? ""), ...REGION };
    const failure = await passOn(broker, { header, properties, remote }, request.body);
    const stored = broker.storeReplies
      ? store(broker, {
        topic: header.topic,
        queueId,
        body: request.body,
        properties,
        flag: header.flag,
        bornTimestamp: Number(header.bornTimestamp),
        bornHost: remote,
        reconsumeTimes: header.reconsumeTimes ?? 0,
      })
      : undefined;
    if (failure === undefined) return stored ?? notStored(queueId);
    throw new Refusal(ResponseCode.SYSTEM_ERROR, failure, stored?.extFields ?? REGION);
  };
  return [
    [RequestCode.SEND_REPLY_MESSAGE, reply],
    [RequestCode.SEND_REPLY_MESSAGE_V2, reply],
  ];
}

/** A reply on its way. */
interface Reply {
  header: SendMessageHeader;
  properties: Readonly<Record<string, string>>;
  /** `host:port` of who sends it. */
  remote: string;
}

/** Gives a reply to the client that waits for it; why that was not possible, if so. */
async function passOn(
  broker: BrokerParts,
  { header, properties, remote }: Reply,
  body: Uint8Array,
): Promise<string | undefined> {
  const clientId = properties[MessageProperty.ReplyToClient];
  if (clientId === undefined) {
    return `reply message properties[${MessageProperty.ReplyToClient}] is null`;
  }
  const connection = broker.producers.connectionOf(clientId);
  if (!connection) return `push reply message fail, channel of <${clientId}> not found.`;
  const { maxReconsumeTimes: _, batch: __, bname: ___, ...fields } = header;
  const now = Math.floor(broker.clock.now());
  const answer = await broker.callClient(
    createPushReplyMessageRequest({
      ...fields,
      properties: encodeProperties({
        ...properties,
        PUSH_REPLY_TIME: String(now),
      }),
      bornHost: unbracketed(remote),
      storeHost: unbracketed(broker.address),
      storeTimestamp: BigInt(now),
    }, body),
    connection,
  );
  return answer?.code === ResponseCode.SUCCESS
    ? undefined
    : `push reply message to ${clientId}fail.`;
}

/** Stores a reply like any message; that it could not be stored is no failure. */
function store(broker: BrokerParts, input: MessageInput): Answer | undefined {
  const result = broker.store.put(input);
  if (result.status !== "stored") return undefined;
  broker.activity.publish(broker.name, {
    type: "messageStored",
    ...messageFacts(input.topic, input.properties),
  });
  return sendAnswer(broker, input.queueId, result.placements, undefined);
}

/** The answer to a reply that was passed on and not stored. */
function notStored(queueId: number): Answer {
  return { extFields: { msgId: "0", queueId: String(queueId), queueOffset: "0", ...REGION } };
}

/** `host:port` without the brackets of an IPv6 host. */
function unbracketed(address: string): string {
  return address.replace(/[[\]]/g, "");
}
