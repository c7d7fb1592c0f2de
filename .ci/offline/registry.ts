/**
 * Makes a JSR registry of files out of the stand-ins in `.ci/offline/std`, for machines that can't reach
 * JSR: `JSR_URL` may be a `file:` URL.
 *
 * @module
 */
import { pathToFileURL } from "node:url";

/** A package as the registry describes it. */
export interface Package {
  /** The version that it stands in for: the lowest one that `deno.json` accepts. */
  version: string;
  /** Entry points: the real package has them all, and more. */
  exports: Record<string, string>;
}

/** The packages of scope `@std` that have a stand-in. */
export const PACKAGES: Record<string, Package> = {
  assert: { version: "1.0.19", exports: { ".": "./mod.ts" } },
  bytes: {
    version: "1.0.6",
    exports: { ".": "./mod.ts", "./concat": "./concat.ts", "./equals": "./equals.ts" },
  },
  log: {
    version: "0.224.14",
    exports: {
      ".": "./mod.ts",
      "./base-handler": "./base_handler.ts",
      "./console-handler": "./console_handler.ts",
      "./get-logger": "./get_logger.ts",
      "./levels": "./levels.ts",
      "./logger": "./logger.ts",
      "./setup": "./setup.ts",
    },
  },
  streams: {
    version: "1.1.2",
    exports: {
      ".": "./mod.ts",
      "./byte-slice-stream": "./byte_slice_stream.ts",
      "./limited-bytes-transform-stream": "./limited_bytes_transform_stream.ts",
      "./text-line-stream": "./text_line_stream.ts",
      "./to-array-buffer": "./to_array_buffer.ts",
      "./to-bytes": "./to_bytes.ts",
    },
  },
};

/** Long enough ago for any `minimumDependencyAge`. */
const CREATED_AT = "2025-01-01T00:00:00Z";

/** Path inside the registry → content. */
export type RegistryFiles = Map<string, Uint8Array<ArrayBuffer>>;

/** The registry's files, made from the stand-ins in the folder `source`. */
export async function collectRegistryFiles(source: URL): Promise<RegistryFiles> {
  const files: RegistryFiles = new Map();
  for (const [name, { version, exports }] of Object.entries(PACKAGES)) {
    const folder = new URL(`${name}/`, source), contents: RegistryFiles = new Map();
    for (const file of await listFiles(folder)) {
      contents.set(file, await Deno.readFile(new URL(file, folder)));
    }
    await addPackage(files, `@std/${name}`, { version, exports }, contents);
  }
  return files;
}

/** Adds a package to the registry's files. */
export async function addPackage(
  files: RegistryFiles,
  packageName: string,
  { version, exports }: Package,
  contents: RegistryFiles,
): Promise<void> {
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, content] of contents) {
    files.set(`${packageName}/${version}/${path}`, content);
    manifest[`/${path}`] = { size: content.length, checksum: `sha256-${await sha256(content)}` };
  }
  const [scope, name] = packageName.slice(1).split("/");
  const versions = { [version]: { createdAt: CREATED_AT } };
  files.set(`${packageName}/meta.json`, json({ scope, name, latest: version, versions }));
  files.set(`${packageName}/${version}_meta.json`, json({ exports, manifest }));
}

/** Writes the registry into the folder `target`. */
export async function writeRegistry(files: RegistryFiles, target: URL): Promise<void> {
  for (const [path, content] of files) {
    const url = new URL(path, target);
    await Deno.mkdir(new URL("./", url), { recursive: true });
    await Deno.writeFile(url, content);
  }
}

/** A name for the registry's content: it changes when any file does. */
export async function fingerprint(files: RegistryFiles): Promise<string> {
  const parts: string[] = [];
  for (const [path, content] of files) parts.push(`${path} ${await sha256(content)}\n`);
  return (await sha256(new TextEncoder().encode(parts.join("")))).slice(0, 16);
}

/**
 * Finds or makes the registry of the stand-ins as they are now. It lies outside of the package,
 * because `deno publish` takes every module inside for a part of it.
 */
export async function prepareRegistry(): Promise<URL> {
  const files = await collectRegistryFiles(new URL("std/", import.meta.url));
  const name = await fingerprint(files);
  try {
    return await placeRegistry(files, new URL(`rocketmq-deno/std-${name}/`, userCache()));
  } catch {
    return await placeRegistry(files, new URL(`std-${name}/`, folderUrl(await Deno.makeTempDir())));
  }
}

/** Writes the files, unless they are there: complete or not at all, also when two do it at once. */
async function placeRegistry(files: RegistryFiles, registry: URL): Promise<URL> {
  if (await exists(registry)) return registry;
  const draft = new URL(`../draft-${crypto.randomUUID()}/`, registry);
  await writeRegistry(files, draft);
  try {
    await Deno.rename(draft, registry);
  } catch (error) {
    await Deno.remove(draft, { recursive: true });
    if (!await exists(registry)) throw error;
  }
  return registry;
}

/** Where the user's programs keep what they can make again. */
function userCache(): URL {
  const home = Deno.env.get("HOME");
  const folder = Deno.build.os === "windows"
    ? Deno.env.get("LOCALAPPDATA")
    : Deno.env.get("XDG_CACHE_HOME") || home && (
          Deno.build.os === "darwin" ? `${home}/Library/Caches` : `${home}/.cache`
        );
  if (!folder) throw new Error("Cannot find a cache folder: HOME is not set");
  return folderUrl(folder);
}

function folderUrl(path: string): URL {
  return new URL(`${pathToFileURL(path).href}/`);
}

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.stat(url);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function listFiles(folder: URL): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name);
  return names.filter((name) => name.endsWith(".ts")).sort();
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
