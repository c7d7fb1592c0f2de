/**
 * What the other folders of this module use of the wire codec. Users get `mod.ts`.
 *
 * @module
 */
export * from "./mod.ts";
export { type JsonRequest, nextOpaque, withFields } from "./command.ts";
export { FrameBuffer, OtherProtocolError } from "./frame.ts";
export { languageCode, languageName, ServerVersion, versionName } from "./peer.ts";
export { requestName } from "./request_code.ts";
