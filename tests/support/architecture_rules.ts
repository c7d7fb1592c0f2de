import type { SourceFile } from "./source_scanner.ts";

/** The folders of `src/`, lowest first: a folder imports only from folders before it. */
const FOLDERS = [
  "remoting",
  "message",
  "requests",
  "access",
  "transport",
  "route",
  "client",
  "trace",
  "producer",
  "transaction",
  "testing",
];

/** Folders that run in any JavaScript runtime: no I/O, no clock, no logging. */
const PURE_FOLDERS = ["remoting", "message", "requests", "access"];

/** Files that keep the same rules in folders that need not. */
const PURE_FILES = ["src/trace/trace.ts"];

/** The files beside the folders, which all folders may import … */
export const HELPERS = [
  "src/errors.ts",
  "src/byte_writer.ts",
  "src/checks.ts",
  "src/runtime.ts",
  "src/logger.ts",
  "src/clock.ts",
  "src/backoff.ts",
  "src/broadcast.ts",
  "src/telemetry.ts",
];

/** … but for these, which pure folders may not. */
const IMPURE_HELPERS = [
  "src/logger.ts",
  "src/clock.ts",
  "src/backoff.ts",
  "src/broadcast.ts",
  "src/telemetry.ts",
];

/** Everything that may be imported and is not ours. */
const DEPENDENCIES = /^(?:@std\/(?:bytes|streams|log)(?:\/.*)?|node:(?:zlib|crypto))$/;

/** What pure folders don't touch. */
const OUTSIDE_WORLD =
  /\b(?:Deno\b|setTimeout\b|setInterval\b|Date\.now\b|new Date\(\)|performance\b|Math\.random\b|AbortSignal\.timeout\b|console\.)/g;

/** Dialling: the business of one file in `src/transport/`. */
const DIAL = /\bDeno\.(?:connect|connectTls|startTls)\b/g;

/** Getting a URL: the business of one file. */
const FETCH = /(?<![\w.#$])fetch\(|\bglobalThis\.fetch\b/g;

/** The file that {@linkcode FETCH} is left to. */
const FETCHER = "src/client/name_server_list.ts";

/** Runtime, time and chance: behind the clock and the dialer. */
const AMBIENT =
  /\b(?:Deno\b|Date\.|new Date\(\)|setTimeout\b|setInterval\b|setImmediate\b|Math\.random\b|AbortSignal\.timeout\b|crypto\.|performance\.)/g;

/** Who may name what {@linkcode AMBIENT} lists, and what of it. The dialer is found, not listed. */
const AMBIENT_EXCEPTIONS: { path: RegExp; names: RegExp }[] = [
  { path: /^src\/clock\.ts$/, names: /./ },
  { path: /^src\/testing\/net\/tcp_listener\.ts$/, names: /^Deno$/ },
  { path: /^src\/testing\/inspector\/http_server\.ts$/, names: /^Deno$/ },
  { path: /^src\/testing\/store\/log_file\.ts$/, names: /^Deno$/ },
];

/** Finds what breaks it, one line each. */
export type Rule = (files: SourceFile[]) => string[];

/** The folder of `src/` that a path lies in; for files beside the folders there is none. */
function folderOf(path: string): string | undefined {
  return path.match(/^src\/([^/]+)\//)?.[1];
}

function isPure(file: SourceFile): boolean {
  return PURE_FOLDERS.includes(folderOf(file.path) ?? "") || PURE_FILES.includes(file.path);
}

/** The paths that a file imports within the package. */
function localImports(file: SourceFile): string[] {
  return file.imports
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => new URL(specifier, `file:///${file.path}`).pathname.slice(1));
}

function findNames(file: SourceFile, names: RegExp): string[] {
  return [...new Set(file.code.match(names) ?? [])];
}

function inEveryFile(check: (file: SourceFile) => string[]): Rule {
  return (files) =>
    files.flatMap((file) => check(file).map((problem) => `${file.path} ${problem}`));
}

function inEveryImport(check: (file: SourceFile, to: string) => string | undefined): Rule {
  return inEveryFile((file) => localImports(file).flatMap((to) => check(file, to) ?? []));
}

/** Every file lies in a folder that is listed above, or is a listed helper. */
export const everyFileHasItsPlace: Rule = inEveryFile(({ path }) => {
  const folder = folderOf(path);
  const isPlaced = path === "mod.ts" ||
    (folder === undefined ? HELPERS.includes(path) : FOLDERS.includes(folder));
  return isPlaced
    ? []
    : ["lies in no folder that FOLDERS lists and is no helper that HELPERS lists"];
});

/** A folder imports only from folders before it; helpers import from no folder. */
export const importsGoDown: Rule = inEveryImport((file, to) => {
  const from = folderOf(file.path);
  const target = folderOf(to);
  if (file.path === "mod.ts" || target === undefined) return;
  if (from !== undefined && FOLDERS.indexOf(target) <= FOLDERS.indexOf(from)) return;
  return `imports upwards from ${to}`;
});

/** Other folders are imported through `mod.ts`, the door for users, or `internal.ts` beside it. */
export const foldersAreEnteredByTheDoor: Rule = inEveryImport((file, to) => {
  const target = folderOf(to);
  if (target === undefined || target === folderOf(file.path)) return;
  const doors = [`src/${target}/mod.ts`, `src/${target}/internal.ts`];
  if (!doors.includes(to)) return `imports ${to} past ${doors[0]}`;
});

/** Nothing in `src/` imports what lies outside of it. */
export const sourcesImportSources: Rule = inEveryImport((_file, to) =>
  to.startsWith("src/") ? undefined : `imports ${to}, which lies outside of src/`
);

/** Packages and built-in modules are those of {@linkcode DEPENDENCIES}. */
export const dependenciesAreFew: Rule = inEveryFile((file) =>
  file.imports
    .filter((specifier) => !specifier.startsWith(".") && !DEPENDENCIES.test(specifier))
    .map((specifier) => `depends on ${specifier}`)
);

/** Pure folders do no I/O, keep no clock and log nothing. */
export const pureFoldersStayPure: Rule = inEveryFile((file) => {
  if (!isPure(file)) return [];
  const helpers = localImports(file).filter((to) => IMPURE_HELPERS.includes(to));
  return [
    ...findNames(file, OUTSIDE_WORLD).map((name) => `names ${name}`),
    ...helpers.map((helper) => `imports ${helper}`),
  ];
});

/** Exactly one file opens connections, and it is in `src/transport/`. */
export const oneFileDials: Rule = (files) => {
  const dialers = files.filter((file) => findNames(file, DIAL).length > 0);
  const inTransport = dialers.filter((file) => folderOf(file.path) === "transport");
  const elsewhere = dialers.filter((file) => folderOf(file.path) !== "transport");
  return [
    ...elsewhere.map((file) => `${file.path} dials outside of src/transport`),
    ...(inTransport.length === 1 ? [] : [`${inTransport.length} files in src/transport dial`]),
  ];
};

/** Exactly one file gets URLs. */
export const oneFileFetches: Rule = inEveryFile((file) =>
  file.path === FETCHER ? [] : findNames(file, FETCH).map((name) => `names ${name}`)
);

/** Only the clock and the dialer name the runtime, the time and chance. */
export const runtimeTimeAndChanceComeThroughOneDoor: Rule = inEveryFile((file) => {
  const isDialer = folderOf(file.path) === "transport" && findNames(file, DIAL).length > 0;
  if (isDialer) return [];
  const allowed = AMBIENT_EXCEPTIONS.filter(({ path }) => path.test(file.path));
  return findNames(file, AMBIENT)
    .filter((name) => !allowed.some(({ names }) => names.test(name)))
    .map((name) => `names ${name}`);
});

/** No file leads back to itself by its imports, those of types included. */
export const importsMakeNoCircle: Rule = (files) => {
  const imports = new Map(files.map((file) => [file.path, localImports(file)]));
  const done = new Set<string>(), problems: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    const start = way.indexOf(path);
    if (start >= 0) problems.push(`${[...way.slice(start), path].join(" → ")} is a circle`);
    if (start >= 0 || done.has(path)) return;
    for (const to of imports.get(path) ?? []) visit(to, [...way, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return problems;
};

/** Only `src/transaction/` and what lies below `src/producer/` know what a half message is. */
export const producersKnowNoHalfMessages: Rule = inEveryFile(({ path, text }) =>
  folderOf(path) === "producer" && /half/i.test(text) ? ["says half"] : []
);
