import { Random } from "../fuzz/random.ts";

/** What one transaction does, as its seed and number decide it. */
export interface Plan {
  /** What its database says once its local transaction ran. */
  isCommit: boolean;
  /** How the local transaction ends: with that verdict, with *unknown*, or by throwing. */
  ending: "verdict" | "unknown" | "throws";
}

/** Two of three are commits; one in twenty each says *unknown* or throws, so that a check-back decides. */
export function planOf(seed: number, index: number): Plan {
  const random = new Random(Math.imul(seed + 1, 0x9e3779b1) ^ index);
  const isCommit = !random.oneIn(3);
  const die = random.below(20);
  return { isCommit, ending: die === 0 ? "unknown" : die === 1 ? "throws" : "verdict" };
}

/** The body of a transaction's message: its number, and a filling that only this number has. */
export function bodyOf(seed: number, index: number): string {
  const word = `-${(Math.imul(index + 1, 0x85ebca6b) ^ seed) >>> 0}`;
  return `${index} ${word.repeat(1 + index % 16)}`;
}

/** The number of a message; undefined when the body is not exactly what was sent under it. */
export function indexOf(seed: number, body: string): number | undefined {
  const index = Number(/^(\d{1,9}) /.exec(body)?.[1] ?? NaN);
  return body === bodyOf(seed, index) ? index : undefined;
}
