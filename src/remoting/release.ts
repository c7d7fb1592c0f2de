/** Ordinal of release 4.0.0 among the numbers that servers and clients put into `version`. */
const FIRST = 213;

/** Version ordinals of releases from which on a server can do something. */
export const Release = {
  /** 5.0.0: timers, attributes of topics. */
  V5_0_0: 413,
} as const;

/**
 * The release that a `version` in a header stands for, as `4.9.7`; undefined for those before 4.0.0
 * and for 0, which says nothing. Every release has two ordinals, the first one for its snapshots.
 */
export function releaseOf(version: number): string | undefined {
  if (!Number.isInteger(version) || version < FIRST - 1) return undefined;
  const index = Math.floor((version - FIRST + 1) / 2);
  return `${4 + Math.floor(index / 100)}.${Math.floor(index / 10) % 10}.${index % 10}`;
}
