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
  "consumer",
  "testing",
];

/** Folders that run in any JavaScript runtime: no I/O, no clock, no logging. */
const PURE_FOLDERS = ["remoting", "message", "requests", "access"];

/** Files that keep the same rules in folders that need not. */
const PURE_FILES = [
  "src/trace/trace.ts",
  "src/consumer/allocation.ts",
  "src/consumer/byte_budget.ts",
  "src/consumer/positions.ts",
  "src/consumer/retry_delay.ts",
  "src/consumer/subscriptions.ts",
];

/** The files beside the folders, which all folders may import … */
export const HELPERS = [
  "src/errors.ts",
  "src/bytes.ts",
  "src/checks.ts",
  "src/runtime.ts",
  "src/logger.ts",
  "src/clock.ts",
  "src/backoff.ts",
  "src/broadcast.ts",
  "src/event_types.ts",
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
const DEPENDENCIES =
  /^(?:(?:jsr:)?@std\/(?:bytes|streams|log)(?:@\^[\d.]+)?(?:\/.*)?|node:(?:zlib|crypto))$/;

/** What {@linkcode NODE_FILES} import besides, as types: it is loaded where it is used. */
const NODE_TYPES = /^node:(?:net|tls|fs|http)$/;

/** The one file that says which runtime this is, and loads the built-in modules of Node.js. */
const RUNTIME = "src/runtime.ts";

/** Where Deno is named, and nowhere else: each has a sibling for the other runtimes … */
const DENO_FILES = /^src\/(?:transport|testing)\/(?:\w+\/)*deno_\w+\.ts$/;

/** … which uses the built-in modules of Node.js. */
const NODE_FILES = /^src\/(?:transport|testing)\/(?:\w+\/)*node_\w+\.ts$/;

/** Where one of the two is chosen: the transport, and the servers of the embedded broker. */
const SEAMS = [
  "src/transport/dialer.ts",
  "src/testing/net/tcp_listener.ts",
  "src/testing/inspector/http_server.ts",
  "src/testing/store/log_file.ts",
];

/** What has to do with one runtime or the other. */
const RUNTIME_NAMES =
  /\b(?:Deno|Bun|isDeno|loadNode(?:Net|Tls|Fs|Http)|getBuiltinModule|globalThis\.process)\b/g;

/** Loads a module that it can do without, in runtimes that have it. */
const OPTIONAL_ZLIB = "src/message/compression/node_zlib.ts";

/** What pure folders don't touch. */
const OUTSIDE_WORLD =
  /\b(?:Deno\b|setTimeout\b|setInterval\b|Date\.now\b|new Date\(\)|performance\b|Math\.random\b|AbortSignal\.timeout\b|console\.)/g;

/** Dialling: the business of one file in `src/transport/` for Deno, and of one for all others. */
const DIAL = /\bDeno\.(?:connect|connectTls|startTls)\b|\bloadNodeTls\(\)/g;
const DIALERS = ["src/transport/deno_dialer.ts", "src/transport/node_dialer.ts"];

/** Getting a URL: the business of one file. */
const FETCH = /(?<![\w.#$])fetch\(|\bglobalThis\.fetch\b/g;

/** The file that {@linkcode FETCH} is left to. */
const FETCHER = "src/client/name_server_list.ts";

/** Runtime, time and chance: behind the clock and the dialer. */
const AMBIENT =
  /\b(?:Deno\b|Date\.|new Date\(\)|setTimeout\b|setInterval\b|setImmediate\b|Math\.random\b|AbortSignal\.timeout\b|crypto\.|performance\.)/g;

/** Who may name what {@linkcode AMBIENT} lists, and what of it. */
const AMBIENT_EXCEPTIONS: { path: RegExp; names: RegExp }[] = [
  { path: /^src\/clock\.ts$/, names: /./ },
  { path: DENO_FILES, names: /^Deno$/ },
  { path: /^src\/transport\/\w+\.ts$/, names: /^setImmediate$/ },
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

/** Reports whether a file may use the built-in modules of Node.js. */
function usesNode({ path }: SourceFile): boolean {
  return path === RUNTIME || NODE_FILES.test(path);
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
    .filter((specifier) => !(usesNode(file) && NODE_TYPES.test(specifier)))
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

/** One file opens connections in Deno, one in other runtimes; both are in `src/transport/`. */
export const oneFileDialsPerRuntime: Rule = (files) => {
  const dialers = files
    .filter((file) => file.path !== RUNTIME && findNames(file, DIAL).length > 0)
    .map(({ path }) => path);
  return [
    ...dialers.filter((path) => !DIALERS.includes(path)).map((path) => `${path} dials`),
    ...DIALERS.filter((path) => !dialers.includes(path)).map((path) => `${path} does not dial`),
  ];
};

/** What is one runtime's is named in files for it, and those are chosen at few seams. */
export const runtimesAreNamedAtSeams: Rule = inEveryFile((file) => {
  const { path } = file;
  if (path === RUNTIME) return [];
  const allowed = DENO_FILES.test(path)
    ? /^Deno$/
    : NODE_FILES.test(path)
    ? /^(?:loadNode|globalThis\.process)/
    : SEAMS.includes(path)
    ? /^isDeno$/
    : path === OPTIONAL_ZLIB
    ? /^getBuiltinModule$/
    : /^$/;
  return findNames(file, RUNTIME_NAMES)
    .filter((name) => !allowed.test(name))
    .map((name) => `names ${name}`);
});

/** Exactly one file gets URLs. */
export const oneFileFetches: Rule = inEveryFile((file) =>
  file.path === FETCHER ? [] : findNames(file, FETCH).map((name) => `names ${name}`)
);

/** Only the clock and the dialer name the runtime, the time and chance. */
export const runtimeTimeAndChanceComeThroughOneDoor: Rule = inEveryFile((file) => {
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
