import type { ByteWriter } from "../bytes.ts";
import { LanguageCode } from "./peer.ts";
import { ResponseCode } from "./response_code.ts";

/** The two forms of a command's header on the wire. Each sender chooses its own. */
export const SerializeType = {
  /** The header is a JSON object. */
  JSON: "JSON",
  /** The header is RocketMQ's compact binary form. */
  ROCKETMQ: "ROCKETMQ",
} as const;

/** One of the two header forms. */
export type SerializeType = typeof SerializeType[keyof typeof SerializeType];

/** A request or response of the remoting protocol. */
export interface RemotingCommand {
  /** Request code, or the response code of a response: int32, in the binary header int16. */
  code: number;
  /** Language code of the sender. */
  language: number;
  /** Version ordinal of the sender: int32, in the binary header int16. */
  version: number;
  /** Number of the request, int32. Its sender chooses it, and the response has the same. */
  opaque: number;
  /** Bit 0: this is a response. Bit 1: one-way, no response is expected. Other bits are kept. */
  flag: number;
  /** Free text. In a response, the reason of a refusal. A successful response may have one, too. */
  remark?: string;
  /** The header fields of the request or response. All are text. */
  extFields: Record<string, string>;
  /** The body, empty if there is none. After decoding it may be a view into the bytes read. */
  body: Uint8Array;
  /** The form of the header. */
  serializeType: SerializeType;
}

/** A request before it has a number and a connection. */
export interface RemotingRequest {
  /** The request code. */
  code: number;
  /** Header fields, if it has any. */
  extFields?: Record<string, string>;
  /** Body, if it has one. */
  body?: Uint8Array;
  /** Free text for the server's log. */
  remark?: string;
}

/** A request that may write its fields as JSON by itself. Requests that are sent very often do. */
export interface JsonRequest extends RemotingRequest {
  /** Writes the fields as members of a JSON object, without the braces. */
  writeFields?(writer: ByteWriter): void;
}

/** Returns a request with other fields, in place of all that it had. */
export function withFields(
  { code, body, remark }: RemotingRequest,
  extFields: Record<string, string>,
): RemotingRequest {
  return {
    code,
    extFields,
    ...(body === undefined ? {} : { body }),
    ...(remark === undefined ? {} : { remark }),
  };
}

/**
 * The version ordinal that this module sends: `V5_3_1`. From 401 on, name servers answer with standard
 * JSON. Above 475, servers may answer any request with GO_AWAY.
 */
export const CLIENT_VERSION = 475;

/** Bit of `flag` that marks a response. */
export const RESPONSE_FLAG = 1;

/** Bit of `flag` that marks a one-way request: no response is expected. */
export const ONEWAY_FLAG = 2;

const NO_BODY = new Uint8Array(0);

/** Reports whether a command answers a request. */
export function isResponse(command: Pick<RemotingCommand, "flag">): boolean {
  return (command.flag & RESPONSE_FLAG) !== 0;
}

/** Reports whether the sender of a command expects no answer. */
export function isOneway(command: Pick<RemotingCommand, "flag">): boolean {
  return (command.flag & ONEWAY_FLAG) !== 0;
}

/** Makes the command of a request: `JSON` header, language `OTHER`, version {@linkcode CLIENT_VERSION}. */
export function createRequest(
  request: RemotingRequest,
  opaque: number,
  oneway = false,
): RemotingCommand {
  const command: RemotingCommand = {
    code: request.code,
    language: LanguageCode.OTHER,
    version: CLIENT_VERSION,
    opaque,
    flag: oneway ? ONEWAY_FLAG : 0,
    extFields: request.extFields ?? {},
    body: request.body ?? NO_BODY,
    serializeType: SerializeType.JSON,
  };
  if (request.remark !== undefined) command.remark = request.remark;
  return command;
}

/** Makes the response to a request, with the number of the request. */
export function createResponse(
  request: Pick<RemotingCommand, "opaque" | "serializeType">,
  response: {
    code?: number;
    remark?: string;
    extFields?: Record<string, string>;
    body?: Uint8Array;
  } = {},
): RemotingCommand {
  const command: RemotingCommand = {
    code: response.code ?? ResponseCode.SUCCESS,
    language: LanguageCode.OTHER,
    version: CLIENT_VERSION,
    opaque: request.opaque,
    flag: RESPONSE_FLAG,
    extFields: response.extFields ?? {},
    body: response.body ?? NO_BODY,
    serializeType: request.serializeType,
  };
  if (response.remark !== undefined) command.remark = response.remark;
  return command;
}

/** Returns the number after `opaque`: an int32 that wraps from 2147483647 to -2147483648. */
export function nextOpaque(opaque: number): number {
  return (opaque + 1) | 0;
}
