/** One line of `tests/fixtures/vectors/`: what the official Java library makes of an input. */
export interface Vector<Input, Expected> {
  /** What was called. */
  kind: string;
  /** Name of the case. */
  name: string;
  /** What it was called with. */
  input: Input;
  /** What it gave, unless it threw. */
  expected: Expected;
  /** The exception that it threw. */
  error?: string;
}

/** A stored message as the official Java library reads it. */
export interface OfficialMessage {
  storeSize: number;
  magic: number;
  bodyCRC: number;
  queueId: number;
  flag: number;
  queueOffset: number | string;
  commitLogOffset: number | string;
  sysFlag: number;
  bornTimestamp: number;
  /** `address/port`. */
  bornHost: string;
  storeTimestamp: number;
  /** `address/port`. */
  storeHost: string;
  reconsumeTimes: number;
  preparedTransactionOffset: number | string;
  topic: string;
  properties: Record<string, string> | null;
  storedBodyCrc: number;
  bodyLength: number;
  /** Base64, only of short bodies. */
  body?: string;
  /** Of long bodies. */
  bodySha256?: string;
  offsetMsgId: string;
  msgId: string;
}

/** The JSON values of a file in `tests/fixtures/`, one a line. */
export function readLines<T>(path: string): T[] {
  const text = Deno.readTextFileSync(new URL(`../fixtures/${path}`, import.meta.url));
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** The vectors of one kind. There have to be some: a test over none would show nothing. */
export function readVectors<Input, Expected>(
  file: string,
  kind: string,
): Vector<Input, Expected>[] {
  const vectors = readLines<Vector<Input, Expected>>(`vectors/${file}.jsonl`)
    .filter((vector) => vector.kind === kind);
  if (vectors.length === 0) throw new Error(`${file}.jsonl has no vector of kind ${kind}`);
  return vectors;
}

/** The bytes of a base64 text. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** The bytes as base64 text. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** SHA-256 in lower-case hexadecimal, as the fixtures have it. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Numbers in [0, 1) that are the same in every run. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}
