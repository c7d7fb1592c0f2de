/**
 * The language in which a client or server says it is written. Only administration views show it. This
 * module sends `OTHER`, which every broker version knows. Old ones do not know `NODE_JS`.
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

/** Returns the name of a language code, `OTHER` for an unknown one. */
export function languageName(code: number): string {
  return names[code] ?? "OTHER";
}

/** Returns the code of a language name, `OTHER` for an unknown one. */
export function languageCode(name: string): number {
  const code = names.indexOf(name);
  return code < 0 ? LanguageCode.OTHER : code;
}

/** Ordinal of version 4.0.0 among the numbers that servers and clients put into `version`. */
const FIRST = 213;

/** Server versions that added a feature. */
export const ServerVersion = {
  /** 5.0.0: timers, attributes of topics. */
  V5_0_0: 413,
} as const;

/**
 * Returns the name of a `version` in a header, for example `4.9.7`. Returns undefined for versions before
 * 4.0.0, and for 0, which is unknown. Every version has two ordinals, the first one for its snapshots.
 */
export function versionName(version: number): string | undefined {
  if (!Number.isInteger(version) || version < FIRST - 1) return undefined;
  const index = Math.floor((version - FIRST + 1) / 2);
  return `${4 + Math.floor(index / 100)}.${Math.floor(index / 10) % 10}.${index % 10}`;
}
