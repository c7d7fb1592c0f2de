/**
 * The wire codec of Apache RocketMQ's remoting protocol: bytes to commands and back, with both
 * header forms, for any JavaScript runtime. It opens no socket and keeps no clock.
 *
 * @example Decode a capture
 * ```ts
 * import { isResponse, RemotingCommandDecoderStream } from "@rocketmq-deno/client/remoting";
 *
 * async function count(capture: ReadableStream<Uint8Array>): Promise<number> {
 *   let responses = 0;
 *   for await (const command of capture.pipeThrough(new RemotingCommandDecoderStream())) {
 *     if (isResponse(command)) responses++;
 *   }
 *   return responses;
 * }
 * ```
 *
 * @module
 */
export {
  CLIENT_VERSION,
  createRequest,
  createResponse,
  isOneway,
  isResponse,
  ONEWAY_FLAG,
  type RemotingCommand,
  type RemotingRequest,
  RESPONSE_FLAG,
  SerializeType,
} from "./command.ts";
export { decodeCommand, encodeCommand } from "./frame.ts";
export {
  FrameDecoder,
  RemotingCommandDecoderStream,
  RemotingCommandEncoderStream,
} from "./frame_decoder.ts";
export { LanguageCode } from "./peer.ts";
export { DEFAULT_MAX_EXT_FIELDS, DEFAULT_MAX_FRAME_SIZE, type FrameLimits } from "./limits.ts";
export { RequestCode } from "./request_code.ts";
export { ResponseCode } from "./response_code.ts";
export {
  type ErrorFacts,
  InvalidArgumentError,
  RemotingDecodeError,
  RocketMQError,
  type RocketMQErrorCode,
} from "../errors.ts";
