import { decodeCommand, type RemotingCommand } from "../../src/remoting/mod.ts";

/** One line of `tests/fixtures/vectors/`: what the official Java library makes of an input. */
export interface Vector<Input, Expected> {
  kind: string;
  name: string;
  input: Input;
  expected: Expected;
  /** The exception that it threw. */
  error?: string;
}

/** What the recording says of the signature of a frame. */
export interface RecordedSignature {
  accessKey: string;
  /** Null where the server does not know the user. */
  secretKey: string | null;
  /** Size in bytes of what is signed. */
  contentLength: number;
  contentSha256: string;
  /** What the server comes to. */
  expectedSignature: string | null;
  /** Whether the client came to the same. */
  matches: boolean | null;
}

/** A frame that a Java client signed. */
export interface SignedFrame {
  name: string;
  scenario: string;
  command: RemotingCommand;
  acl: RecordedSignature;
}

/** The vectors of a file, of one kind. There have to be some: a test over none would show nothing. */
export function readVectors<Input, Expected>(
  file: string,
  kind: string,
): Vector<Input, Expected>[] {
  const vectors = readLines<Vector<Input, Expected>>(`vectors/${file}.jsonl`)
    .filter((vector) => vector.kind === kind);
  if (vectors.length === 0) throw new Error(`${file}.jsonl has no vector of kind ${kind}`);
  return vectors;
}

/** The recorded frames that carry a signature. */
export function readSignedFrames(): SignedFrame[] {
  interface Line {
    scenario: string;
    codeName: string;
    frame: string;
    acl?: RecordedSignature;
  }
  return readLines<Line>("frames/acl.jsonl").flatMap(({ scenario, codeName, frame, acl }, index) =>
    acl === undefined ? [] : {
      name: `acl:${index + 1} ${scenario} ${codeName}`,
      scenario,
      command: decodeCommand(fromBase64(frame)),
      acl,
    }
  );
}

/** The bytes of a base64 text. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function readLines<T>(path: string): T[] {
  const text = Deno.readTextFileSync(new URL(`../fixtures/${path}`, import.meta.url));
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
