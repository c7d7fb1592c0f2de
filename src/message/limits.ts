import { checkLimit } from "../checks.ts";

/** Bounds for reading stored messages. They are checked before memory is allocated. */
export interface DecodeLimits {
  /**
   * Largest decompressed body of one message, in bytes.
   *
   * @default {4194304}
   */
  maxBodySize?: number;
  /**
   * Largest sum of the decompressed bodies of one call, in bytes.
   *
   * @default {134217728}
   */
  maxTotalBodySize?: number;
  /**
   * Most messages in one input.
   *
   * @default {16384}
   */
  maxMessages?: number;
}

/** The largest body that producers and brokers accept by default: 4 MiB. */
export const DEFAULT_MAX_BODY_SIZE = 4 * 1024 * 1024;

const DEFAULTS: Required<DecodeLimits> = {
  maxBodySize: DEFAULT_MAX_BODY_SIZE,
  // A pull of 32 messages, each of the largest size.
  maxTotalBodySize: 32 * DEFAULT_MAX_BODY_SIZE,
  maxMessages: 16384,
};

/** Reads one of the limits, or its default. @throws {InvalidArgumentError} when it is no bound. */
export function readLimit(limits: DecodeLimits, name: keyof DecodeLimits): number {
  return checkLimit(limits[name] ?? DEFAULTS[name], name);
}
