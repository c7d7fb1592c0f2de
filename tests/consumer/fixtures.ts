import type { Vector } from "../message/fixtures.ts";
import { readLines } from "../message/fixtures.ts";
import { decodeBase64 } from "../remoting/frames.ts";
import type { RecordedFrame } from "../remoting/fixtures.ts";

/** The vectors of one kind for consumers. There have to be some. */
export function readConsumerVectors<Input, Expected>(
  file: string,
  kind: string,
): Vector<Input, Expected>[] {
  const vectors = readLines<Vector<Input, Expected>>(`consumer/${file}.jsonl`)
    .filter((vector) => vector.kind === kind);
  if (vectors.length === 0) throw new Error(`${file}.jsonl has no vector of kind ${kind}`);
  return vectors;
}

/** The recorded frames of consumers whose requests have this code, with the answers to these. */
export function readConsumerFrames(code: number): RecordedFrame[] {
  const frames = readLines<RecordedFrame & { scenario: string; frame: string }>(
    "consumer/frames.jsonl",
  ).filter((line) => (line.requestCode ?? line.code) === code)
    .map((line) => ({ ...line, name: line.scenario, frame: decodeBase64(line.frame) }));
  if (frames.length === 0) throw new Error(`No frame of request ${code} was recorded`);
  return frames;
}
