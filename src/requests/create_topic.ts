import { InvalidArgumentError } from "../errors.ts";
import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/*
  UPDATE_AND_CREATE_TOPIC (17), to each master broker

  request  = topic:string defaultTopic:string readQueueNums:int writeQueueNums:int perm:int
             topicFilterType:string [topicSysFlag:int] order:boolean [attributes:string]
             [force:boolean]
  response = code 0 | 29: bad name | 1 | 16

  attributes = ("+" name "=" value | "-" name) *("," …): sets or deletes
*/

/** The header that creates or changes a topic. */
export const createTopicHeader = defineHeader("UPDATE_AND_CREATE_TOPIC request", {
  topic: "string",
  defaultTopic: "string",
  readQueueNums: "uint",
  writeQueueNums: "uint",
  perm: "uint",
  topicFilterType: "string",
  topicSysFlag: "int?",
  order: "boolean",
  attributes: "string?",
  force: "boolean?",
});

/** The fields that create or change a topic, as they are on the wire. */
export type CreateTopicHeader = HeaderFields<typeof createTopicHeader>;

/** A topic to be created or changed. */
export interface CreateTopicFields {
  /** Name of the topic. */
  topic: string;
  /** Number of queues to read from. @default {4} */
  readQueueNums?: number;
  /** Number of queues to write to. @default {4} */
  writeQueueNums?: number;
  /** Permission bits: 2 write, 4 read. @default {6} */
  perm?: number;
  /** `true` if it is an ordered topic. @default {false} */
  order?: boolean;
  /** Attributes to set, for example `{ "message.type": "TRANSACTION" }`. */
  attributes?: Readonly<Record<string, string>>;
}

/**
 * Makes a request that creates a topic on a broker, or changes it.
 *
 * @throws {InvalidArgumentError} when an attribute has a character that separates attributes.
 */
export function createCreateTopicRequest(fields: CreateTopicFields): RemotingRequest {
  return {
    code: RequestCode.UPDATE_AND_CREATE_TOPIC,
    extFields: createTopicHeader.encode({
      topic: fields.topic,
      defaultTopic: "TBW102",
      readQueueNums: fields.readQueueNums ?? 4,
      writeQueueNums: fields.writeQueueNums ?? 4,
      perm: fields.perm ?? 6,
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: 0,
      order: fields.order ?? false,
      attributes: encodeAttributes(fields.attributes ?? {}),
    }),
  };
}

/**
 * Reads the answer to the creation of a topic.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readCreateTopicResponse(response: RemotingCommand, context: ResponseContext): void {
  checkSuccess(response, context, { what: "create the topic", actions: ["CREATE"] });
}

function encodeAttributes(attributes: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(attributes).map(([name, value]) => {
    if (/[,=+]|^-|^$/.test(name) || /[,=]|^$/.test(value)) {
      throw new InvalidArgumentError(
        `Cannot create the topic: attribute "${name}" = "${value}" is empty or has "," or "=" in it`,
      );
    }
    return `+${name}=${value}`;
  });
  return entries.length > 0 ? entries.join(",") : undefined;
}
