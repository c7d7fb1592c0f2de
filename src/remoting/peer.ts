/**
 * The language that a client or server says it is written in. It only shows in administration
 * views. This module sends `OTHER`, which every broker version knows; `NODE_JS` is unknown to old
 * ones.
 */
export const LanguageCode = {
  JAVA: 0,
  CPP: 1,
  DOTNET: 2,
  PYTHON: 3,
  DELPHI: 4,
  ERLANG: 5,
  RUBY: 6,
  OTHER: 7,
  HTTP: 8,
  GO: 9,
  PHP: 10,
  OMS: 11,
  RUST: 12,
  NODE_JS: 13,
} as const;

/** One of the known language codes. */
export type LanguageCode = typeof LanguageCode[keyof typeof LanguageCode];

const names: readonly string[] = Object.keys(LanguageCode);

/** Returns the name of a language code, `OTHER` for one without a name. */
export function languageName(code: number): string {
  return names[code] ?? "OTHER";
}

/** Returns the code of a language name, `OTHER` for an unknown one. */
export function languageCode(name: string): number {
  const code = names.indexOf(name);
  return code < 0 ? LanguageCode.OTHER : code;
}

/** Ordinal of release 4.0.0 among the numbers that servers and clients put into `version`. */
const FIRST = 213;

/** Server versions that added a feature. */
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
