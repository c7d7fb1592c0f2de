import { checkLimit } from "../checks.ts";

/** Bounds of what a decoder accepts: integers from 0. They are checked before memory is allocated. */
export interface FrameLimits {
  /**
   * Largest frame in bytes, its 4-byte length field included.
   *
   * @default {16777216}
   */
  maxFrameSize?: number;
  /**
   * Most entries in a header's `extFields`.
   *
   * @default {4096}
   */
  maxExtFields?: number;
}

/** RocketMQ's own bound of a frame, on both sides: 16 MiB with the length field. */
export const DEFAULT_MAX_FRAME_SIZE = 16 * 1024 * 1024;

/** Bound of the entries in `extFields`. The protocol's own requests have fewer than 20. */
export const DEFAULT_MAX_EXT_FIELDS = 4096;

/** Bytes before the header: the length field, and the word of header form and header length. */
export const FRAME_PREFIX_SIZE = 8;

/** Reads the limits, with their defaults. @throws {InvalidArgumentError} when one is no integer from 0. */
export function readLimits(limits: FrameLimits): Required<FrameLimits> {
  const { maxFrameSize = DEFAULT_MAX_FRAME_SIZE, maxExtFields = DEFAULT_MAX_EXT_FIELDS } = limits;
  return {
    maxFrameSize: checkLimit(maxFrameSize, "maxFrameSize"),
    maxExtFields: checkLimit(maxExtFields, "maxExtFields"),
  };
}
