/** What calling something costs. */
export interface Cost {
  /** Of one call, in nanoseconds: the median of many short rounds. */
  readonly median: number;
  /** The same of the best round: what it costs while nobody else uses the machine. */
  readonly best: number;
}

/** How long something is measured. */
export interface Patience {
  /** Rounds of all subjects, one after the other. @default {41} */
  rounds?: number;
  /** Length of a round, in milliseconds: shorter than the turns of a busy machine. @default {3} */
  length?: number;
}

/**
 * Measures what one call of each function costs. They take turns, round by round, so that what
 * slows the machine down for a while slows all of them down.
 */
export function measureCosts<N extends string>(
  subjects: Readonly<Record<N, () => void>>,
  { rounds = 41, length = 3 }: Patience = {},
): Record<N, Cost> {
  const names = Object.keys(subjects) as N[];
  const calls = names.map((name) => countCalls(subjects[name], length));
  const times = names.map(() => new Float64Array(rounds));
  for (let round = 0; round < rounds; round++) {
    names.forEach((name, i) => times[i]![round] = timeCalls(subjects[name], calls[i]!));
  }
  const costs = names.map((name, i): [N, Cost] => {
    const sorted = times[i]!.sort();
    return [name, { median: sorted[rounds >> 1]!, best: sorted[0]! }];
  });
  return Object.fromEntries(costs) as Record<N, Cost>;
}

/** How often a warm function can be called in `length` milliseconds. */
function countCalls(subject: () => void, length: number): number {
  let calls = 1;
  for (const end = performance.now() + 20 * length; performance.now() < end;) subject();
  while (timeCalls(subject, calls) * calls < length * 1e6 && calls < 2 ** 24) calls *= 2;
  return calls;
}

/** Nanoseconds for one of so many calls. */
function timeCalls(subject: () => void, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) subject();
  return (performance.now() - start) * 1e6 / calls;
}
