import {
  isOneway,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from "../../src/remoting/mod.ts";
import {
  type CheckTransactionStateHeader,
  endTransactionHeader,
  type HeaderFields,
} from "../../src/requests/mod.ts";
import {
  createOffsetMessageId,
  decodeProperties,
  encodeStoredMessage,
  MessageProperty,
  type StoredMessageFields,
  SysFlag,
} from "../../src/message/mod.ts";
import {
  createCheckTransactionStateRequest,
  readHeartbeatRequest,
  readSendMessageRequest,
} from "../../src/testing/requests.ts";
import { type Reply, type ScriptedConnection, ScriptedPeer } from "./scripted_peer.ts";

/** A message that was sent to the broker. */
export interface ReceivedMessage {
  topic: string;
  group: string;
  body: Uint8Array;
  sysFlag: number;
  queueId: number;
  properties: Record<string, string>;
  /** `UNIQ_KEY`. */
  transactionId: string;
  /** Position in the half topic, or in the queue. */
  queueOffset: bigint;
  commitLogOffset: bigint;
  connection: ScriptedConnection;
}

/** A verdict that came. */
export interface ReceivedVerdict extends HeaderFields<typeof endTransactionHeader> {
  state: "COMMIT" | "ROLLBACK" | "UNKNOWN";
  oneway: boolean;
  remark: string | undefined;
  connection: ScriptedConnection;
}

/** What is special about a check-back. */
export interface CheckBackOptions {
  /** The connection to ask on. @default the newest */
  connection?: ScriptedConnection;
  /** Other header fields; undefined leaves one out. */
  header?: Record<string, string | undefined>;
  /** Other fields of the stored message. */
  stored?: Partial<StoredMessageFields>;
  /** Other properties; undefined leaves one out. */
  properties?: Record<string, string | undefined>;
  /** Another body of the request. */
  body?: Uint8Array;
  /** Changes the bytes of the stored message. */
  damage?: (stored: Uint8Array) => void;
  /** Asks for a response. */
  twoWay?: boolean;
}

/** The positions under which a half message was written, as a verdict has to name them. */
export interface Handle {
  tranStateTableOffset: bigint;
  commitLogOffset: bigint;
}

const STATES = { 0: "UNKNOWN", 8: "COMMIT", 12: "ROLLBACK" } as const;

/** A broker that stores what it gets and, when a test says so, misbehaves or asks back. */
export class ScriptedBroker extends ScriptedPeer {
  readonly name: string;
  readonly address: string;
  /** Messages that were sent, in order. */
  readonly messages: ReceivedMessage[] = [];
  /** Ids of the transactions that were committed, once for each visible message. */
  readonly visible: string[] = [];
  readonly #verdicts: ReceivedVerdict[] = [];
  /** What stands where in the commit log. */
  readonly #records = new Map<string, Uint8Array>();
  #nextOffset = 1n;

  constructor(name: string, address: string) {
    super();
    this.name = name;
    this.address = address;
    this.on(RequestCode.HEART_BEAT, () => ({}));
    this.on(RequestCode.UNREGISTER_CLIENT, () => ({}));
    this.on(RequestCode.SEND_MESSAGE_V2, (command, on) => this.store(command, on));
    this.on(RequestCode.QUERY_MESSAGE, (command) => this.query(command));
    this.on(RequestCode.VIEW_MESSAGE_BY_ID, ({ extFields }) => {
      const body = this.#records.get(extFields.offset!);
      return body ? { body } : { code: ResponseCode.SYSTEM_ERROR, remark: "can not find message" };
    });
    this.on(RequestCode.END_TRANSACTION, (command) => this.end(command));
  }

  /** The half messages among the messages. */
  get halves(): ReceivedMessage[] {
    return this.messages.filter(({ sysFlag }) => (sysFlag & SysFlag.TransactionPrepared) !== 0);
  }

  /** The verdicts that came, in order. */
  verdicts(): readonly ReceivedVerdict[] {
    return this.#verdicts;
  }

  /** The states of the verdicts that came. */
  states(): string[] {
    return this.#verdicts.map(({ state }) => state);
  }

  /** The heartbeats that came: client id and groups. */
  heartbeats(): { clientId: string; producerGroups: readonly string[] }[] {
    return this.requests(RequestCode.HEART_BEAT).map((command) => {
      const { clientId, producerGroups } = readHeartbeatRequest(command);
      return { clientId, producerGroups };
    });
  }

  override onRequest(command: RemotingCommand, connection: ScriptedConnection): void {
    if (command.code === RequestCode.END_TRANSACTION) {
      this.#verdicts.push(readVerdict(command, connection));
    }
  }

  /**
   * Stores a message and makes the answer to it: the usual reaction to a send.
   *
   * @param answer Other fields of the answer; undefined leaves one out.
   */
  store(
    command: RemotingCommand,
    connection: ScriptedConnection,
    answer: Record<string, string | undefined> = {},
  ): Reply {
    const header = readSendMessageRequest(command);
    const properties = decodeProperties(header.properties ?? "");
    const message: ReceivedMessage = {
      topic: header.topic,
      group: header.producerGroup,
      body: command.body.slice(),
      sysFlag: header.sysFlag,
      queueId: header.queueId,
      properties,
      transactionId: properties[MessageProperty.UniqueKey] ?? "",
      ...this.#position(),
      connection,
    };
    this.messages.push(message);
    this.write(message.commitLogOffset, message);
    return {
      extFields: defined({
        msgId: createOffsetMessageId("10.0.0.9", 10911, message.commitLogOffset),
        queueId: String(header.queueId),
        queueOffset: String(message.queueOffset),
        transactionId: message.transactionId,
        ...answer,
      }),
    };
  }

  /** Ends a transaction: the usual reaction to END_TRANSACTION. */
  end({ extFields }: RemotingCommand): Reply | undefined {
    if (extFields.commitOrRollback === "0") return undefined;
    if (extFields.commitOrRollback === "8") this.visible.push(extFields.transactionId!);
    return {};
  }

  /** Looks a unique key up: the usual reaction to a query. Its index has all that was written. */
  query({ extFields: { topic, key } }: RemotingCommand): Reply {
    const indexed = { indexLastUpdatePhyoffset: String(2n ** 62n) };
    if (topic === "RMQ_SYS_TRANS_HALF_TOPIC") return { extFields: indexed };
    if (!this.visible.includes(key!)) return { code: ResponseCode.QUERY_NOT_FOUND };
    return {
      extFields: indexed,
      body: encodeStoredMessage({
        topic: topic!,
        body: new TextEncoder().encode("Hello RocketMQ"),
        properties: { [MessageProperty.UniqueKey]: key! },
      }),
    };
  }

  /** Writes a record to a place in the commit log, over what is there. */
  write(commitLogOffset: bigint, { topic, body, properties = {} }: StoredMessageFields): void {
    const record = encodeStoredMessage({ topic, body, properties, commitLogOffset });
    this.#records.set(String(commitLogOffset), record);
  }

  /** A half message that another producer of the group has sent. */
  strangeHalf(fields: Partial<ReceivedMessage> & { transactionId: string }): ReceivedMessage {
    return {
      topic: "TopicTest",
      group: "group",
      body: new TextEncoder().encode("of another producer"),
      sysFlag: SysFlag.TransactionPrepared,
      queueId: 0,
      properties: {},
      ...this.#position(),
      connection: this.connection,
      ...fields,
    };
  }

  /** Writes a half message once more and asks for its verdict, as a check round does. */
  checkBack(half: ReceivedMessage, options: CheckBackOptions = {}): Handle {
    const { queueOffset, commitLogOffset } = this.#position();
    const handle: Handle = { tranStateTableOffset: queueOffset, commitLogOffset };
    const properties = defined({
      ...half.properties,
      [MessageProperty.UniqueKey]: half.transactionId,
      [MessageProperty.ProducerGroup]: half.group,
      [MessageProperty.TransactionPrepared]: "true",
      [MessageProperty.TransactionCheckTimes]: "1",
      ...options.properties,
    });
    const body = options.body ?? encodeStoredMessage({
      topic: half.topic,
      body: half.body,
      queueId: half.queueId,
      sysFlag: half.sysFlag,
      queueOffset,
      commitLogOffset,
      properties,
      ...options.stored,
    });
    options.damage?.(body);
    this.#records.set(String(commitLogOffset), body);
    const header: CheckTransactionStateHeader = {
      ...handle,
      msgId: half.transactionId,
      transactionId: half.transactionId,
      offsetMsgId: createOffsetMessageId("10.0.0.9", 10911, commitLogOffset),
      topic: "RMQ_SYS_TRANS_HALF_TOPIC",
      bname: this.name,
    };
    const made = createCheckTransactionStateRequest(header, body);
    const request = { ...made, extFields: defined({ ...made.extFields, ...options.header }) };
    (options.connection ?? this.connection).request(request, { oneway: !options.twoWay });
    return handle;
  }

  /** The next position; positions beyond 2^53 would be damaged by floating point numbers. */
  #position(): { queueOffset: bigint; commitLogOffset: bigint } {
    const queueOffset = this.#nextOffset++;
    return { queueOffset, commitLogOffset: 2n ** 60n + queueOffset };
  }
}

function readVerdict(command: RemotingCommand, connection: ScriptedConnection): ReceivedVerdict {
  const header = endTransactionHeader.decode(command.extFields);
  const state = STATES[header.commitOrRollback as keyof typeof STATES];
  return { ...header, state, oneway: isOneway(command), remark: command.remark, connection };
}

function defined(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
