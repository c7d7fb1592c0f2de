/**
 * Makes a JSR registry of files out of the stand-ins in `.ci/std`, for machines that can't reach
 * JSR: `JSR_URL` may be a `file:` URL.
 *
 * @module
 */

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
    const folder = new URL(`${name}/`, source);
    const manifest: Record<string, { size: number; checksum: string }> = {};
    for (const file of await listFiles(folder)) {
      const content = await Deno.readFile(new URL(file, folder));
      files.set(`@std/${name}/${version}/${file}`, content);
      manifest[`/${file}`] = {
        size: content.length,
        checksum: `sha256-${await sha256(content)}`,
      };
    }
    const versions = { [version]: { createdAt: CREATED_AT } };
    files.set(`@std/${name}/meta.json`, json({ scope: "std", name, latest: version, versions }));
    files.set(`@std/${name}/${version}_meta.json`, json({ exports, manifest }));
  }
  return files;
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
