// deno-lint-ignore-file no-console
/**
 * Prints what the codec has to reach, one line for each figure, beside the floor that was measured
 * in turn with it.
 *
 *     deno task bench:codec-figures
 *
 * @module
 */
import {
  encodeCommand,
  FrameBuffer,
  FrameDecoder,
  type RemotingCommand,
  type SerializeType,
} from "../../src/remoting/internal.ts";
import {
  checkBack,
  emptyResponse,
  FORMS,
  headerOf,
  sampleCommand,
  SampleProducer,
  sendResponse,
} from "./codec_samples.ts";
import { type Cost, measureCosts } from "./stopwatch.ts";
import { createBody } from "./workload.ts";

const HELP = `Usage: deno task bench:codec-figures [--help]

Prints what it costs to encode and decode small commands, and commands with a body of 1 MiB, in both
forms of a header. Bars: a million small commands a second each way, a body of 1 MiB at half of the
speed of memcpy. Each cost is the median of 41 short rounds, in which subject and floor take turns;
"best" is the best round, which a busy machine disturbs least.

Exit code 0: measured. 2: wrong arguments.`;

/** What a small command has to come to. */
const COMMANDS_PER_SECOND = 1_000_000;

/** What a body of 1 MiB has to come to: this share of the speed of memcpy. */
const SHARE_OF_MEMCPY = 0.5;

const producer = new SampleProducer();

function showSmallCommands(form: SerializeType): void {
  const buffer = new FrameBuffer();
  if (form === "JSON") {
    const made = () => {
      buffer.clear();
      buffer.appendRequest(producer.end(), 12_345);
    };
    showSmall("END_TRANSACTION, made", form, "encode", sampleCommand(producer.end(), form), made);
  }
  const commands = {
    "END_TRANSACTION": sampleCommand(producer.end(), form),
    "send response": sendResponse(form),
    "heartbeat response": emptyResponse(form),
  };
  for (const [name, sample] of Object.entries(commands)) {
    const command = { ...sample, extFields: { ...sample.extFields } };
    const frame = encodeCommand(command), decoder = new FrameDecoder();
    showSmall(name, form, "append", command, () => {
      buffer.clear();
      buffer.append(command);
    });
    showSmall(name, form, "encode", command, () => {
      encodeCommand(command);
    });
    showSmall(name, form, "decode", command, () => decoder.pushInto(frame, ignore));
  }
}

function showSmall(
  name: string,
  form: SerializeType,
  way: "encode" | "append" | "decode",
  command: RemotingCommand,
  subject: () => void,
): void {
  const { floor, floorName } = smallFloor(form, way, command);
  const costs = measureCosts({ subject, floor });
  const isMet = (cost: number) => cost <= 1e9 / COMMANDS_PER_SECOND;
  const perSecond = (cost: number) => `${(1e3 / cost).toFixed(2)} M/s`;
  show(`${name}, ${form}, ${way}`, costs.subject, costs.floor, floorName, perSecond, isMet);
}

function smallFloor(
  form: SerializeType,
  way: "encode" | "append" | "decode",
  command: RemotingCommand,
): { floor: () => void; floorName: string } {
  const frame = encodeCommand(command);
  if (form === "ROCKETMQ") return { floor: copyOf(frame), floorName: "memcpy" };
  const text = new TextDecoder().decode(headerOf(frame)), header = JSON.parse(text);
  return way === "decode"
    ? { floor: () => JSON.parse(text), floorName: "JSON.parse" }
    : { floor: () => JSON.stringify(header), floorName: "JSON.stringify" };
}

function showLargeBodies(form: SerializeType): void {
  const body = createBody(2 ** 20), buffer = new FrameBuffer(), decoder = new FrameDecoder();
  const send = sampleCommand(producer.send(body), form), check = checkBack(2 ** 20, form);
  for (const [name, sample] of [["send request", send], ["check-back", check]] as const) {
    const command = { ...sample, extFields: { ...sample.extFields } };
    const frame = encodeCommand(command), floor = copyOf(frame);
    showLarge(`${name} of 1 MiB, ${form}, append`, floor, () => {
      buffer.clear();
      buffer.append(command);
    });
    showLarge(`${name} of 1 MiB, ${form}, encode`, floor, () => {
      encodeCommand(command);
    }, () => {
      frame.slice();
    });
    showLarge(`${name} of 1 MiB, ${form}, decode`, floor, () => decoder.pushInto(frame, ignore));
  }
}

/** @param freshFloor The floor that takes new memory, as the subject has to. */
function showLarge(
  name: string,
  floor: () => void,
  subject: () => void,
  freshFloor?: () => void,
): void {
  const costs = measureCosts({ subject, floor, fresh: freshFloor ?? floor });
  const mebibytes = (cost: number) => `${(1e9 / cost / 1024).toFixed(1)} GiB/s`;
  const isMet = (cost: number, floor: number) => floor / cost >= SHARE_OF_MEMCPY;
  show(name, costs.subject, costs.floor, "memcpy", mebibytes, isMet);
  if (!freshFloor) return;
  show("", costs.subject, costs.fresh, "memcpy into new memory", mebibytes, isMet);
}

function show(
  name: string,
  cost: Cost,
  floor: Cost,
  floorName: string,
  format: (cost: number) => string,
  isMet: (cost: number, floor: number) => boolean,
): void {
  const verdict = isMet(cost.median, floor.median)
    ? "met"
    : isMet(cost.best, floor.best)
    ? "met in the best round"
    : "missed";
  console.log(
    `${name.padEnd(42)} ${format(cost.median).padStart(13)}  best ${
      format(cost.best).padStart(13)
    }` +
      `  ${(cost.median / floor.median).toFixed(2).padStart(6)} × ${floorName}  ${verdict}`,
  );
}

function copyOf(frame: Uint8Array): () => void {
  const target = new Uint8Array(frame.length);
  return () => target.set(frame);
}

function ignore(): void {}

if (import.meta.main) {
  if (Deno.args.includes("--help")) console.log(HELP);
  else if (Deno.args.length > 0) {
    console.error(`Cannot use ${Deno.args[0]}: it is no option\n\n${HELP}`);
    Deno.exitCode = 2;
  } else {
    for (const form of FORMS) showSmallCommands(form);
    for (const form of FORMS) showLargeBodies(form);
  }
}
