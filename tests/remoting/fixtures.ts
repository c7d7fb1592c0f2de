import { decodeBase64 } from "./frames.ts";

/** A header as the official Java library decodes it. */
export interface OfficialHeader {
  code: number;
  language: string | null;
  version: number;
  opaque: number | null;
  flag: number;
  remark: string | null;
  extFields: Record<string, string | null> | [string, string | null][] | null;
  serializeType: "JSON" | "ROCKETMQ";
}

/** One recorded frame, with what the official library makes of it. */
export interface RecordedFrame {
  /** File, line and scenario, for messages. */
  name: string;
  direction: "request" | "response" | "oneway";
  code: number;
  requestCode?: number;
  frame: Uint8Array;
  header: OfficialHeader;
  customHeader?: Record<string, unknown>;
  customHeaderError?: string;
  sendHeader?: Record<string, unknown>;
  duplicateExtFields?: string[];
  offsetMsgId?: { host: string; offset: number };
  // deno-lint-ignore no-explicit-any
  bodySummary: any;
}

const GROUPS = [
  "acl",
  "binary-broker",
  "client",
  "errors",
  "ipv6",
  "namespace",
  "other-clients",
  "pull",
  "route",
  "send",
  "trace",
  "transaction",
];

/** All recorded frames, in the order of the wire within each scenario. */
export function readRecordedFrames(): RecordedFrame[] {
  return GROUPS.flatMap((group) =>
    readLines(`frames/${group}.jsonl`).map((line, index) => ({
      ...line,
      name: `${group}:${index + 1} ${line.scenario}`,
      frame: decodeBase64(line.frame),
    }))
  );
}

/** The vectors of one file. */
// deno-lint-ignore no-explicit-any
export function readVectors(name: string): any[] {
  return readLines(`vectors/${name}.jsonl`);
}

/** The text of a fixture. */
export function readFixture(path: string): string {
  return Deno.readTextFileSync(new URL(`../fixtures/${path}`, import.meta.url));
}

// deno-lint-ignore no-explicit-any
function readLines(path: string): any[] {
  return readFixture(path).trimEnd().split("\n").map((line) => JSON.parse(line));
}
