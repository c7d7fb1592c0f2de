import type { Balance } from "./ledger.ts";
import type { Sample } from "./reports.ts";
import { type Point, slopeOf } from "./slope.ts";

/** Growth of the heap that is allowed, in MiB in 10 minutes. */
const MOST_GROWTH = 1;

/** Seconds at the beginning whose samples don't count: tables that have a bound fill up to it. */
const WARM_UP = 60;

/** Sends under way above which a sample does not count: what they hold is not held for long. */
const MOST_IN_FLIGHT = 200;

/** Seconds over which samples have to spread so that the slope is judged as it is. */
const LONG = 9 * 60;

const MIB = 1024 ** 2;

/** The heap at one time of the run. */
export interface HeapSample {
  /** Seconds since sending began. */
  time: number;
  inFlight: number;
  /** Bytes. */
  heap: number;
}

/** One thing that was to be reached. */
export interface Bar {
  text: string;
  isMissed: boolean;
}

/** What was to be reached, and what was. */
export function judge(
  balance: Balance,
  last: Pick<Sample, "ranTwice" | "unhandled">,
  samples: readonly HeapSample[],
): Bar[] {
  const zero = (name: string, count: number): Bar => ({
    text: `${name} ${count}`,
    isMissed: count > 0,
  });
  return [
    zero("lost", balance.lost),
    zero("phantom", balance.phantoms),
    zero("corrupt", balance.corrupt),
    zero("local transaction twice", last.ranTwice),
    zero("unhandled rejections", last.unhandled),
    judgeHeap(samples),
  ];
}

/**
 * The slope of the heap. In a short run its error is larger than what it is to show: there the bar is
 * only missed when it is beyond twice its standard error.
 */
function judgeHeap(samples: readonly HeapSample[]): Bar {
  const points: Point[] = samples
    .filter(({ time, inFlight }) => time >= WARM_UP && inFlight <= MOST_IN_FLIGHT)
    .map(({ time, heap }) => ({ time, value: heap / MIB }));
  const slope = slopeOf(points);
  if (!slope) {
    return { text: "heap slope unknown, the run was too short", isMissed: false };
  }
  const growth = slope.perSecond * 600, margin = 2 * slope.error * 600;
  const isLong = points.at(-1)!.time - points[0]!.time >= LONG;
  return {
    text:
      `heap slope ${growth.toFixed(2)} MiB per 10 min, plus or minus ${margin.toFixed(2)}, from ` +
      `${points.length} of ${samples.length} samples`,
    isMissed: (isLong ? growth : growth - margin) >= MOST_GROWTH,
  };
}

/** The line of a minute. */
export function describeMinute(
  minute: number,
  sample: Sample,
  balance: Balance,
  kills: number,
): string {
  const number = (value: number) => value.toLocaleString("en");
  return [
    `minute ${minute}`,
    `sent ${number(sample.sent)}`,
    `confirmed ${number(sample.confirmed)}`,
    `indeterminate ${number(sample.indeterminate)}`,
    `failed ${number(sample.failed)}`,
    `visible ${number(balance.visible)}`,
    `lost ${balance.lost}`,
    `extra copies ${balance.extraCopies}`,
    `kills ${kills}`,
    `heap ${(sample.heap / MIB).toFixed(1)} MiB`,
    `rss ${(sample.rss / MIB).toFixed(0)} MiB`,
  ].join(", ");
}
