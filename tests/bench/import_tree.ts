/** What of the import tree comes from one place. */
export interface ImportedPart {
  modules: number;
  bytes: number;
}

interface Dependency {
  code?: { specifier?: string };
  isDynamic?: boolean;
}

interface Module {
  specifier: string;
  size?: number;
  dependencies?: Dependency[];
}

/**
 * The modules that an import of `mod.ts` loads, by where they come from; those imported for their
 * types or on demand are not among them.
 */
export async function readImportTree(): Promise<Map<string, ImportedPart>> {
  const root = new URL("../../", import.meta.url);
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("mod.ts", root).href],
    cwd: root,
  }).output();
  if (!success) throw new Error(`Cannot read the import tree: ${new TextDecoder().decode(stderr)}`);
  const { modules, redirects = {} }: {
    modules: Module[];
    redirects?: Record<string, string>;
  } = JSON.parse(new TextDecoder().decode(stdout));
  const known = new Map(modules.map((module) => [module.specifier, module]));
  const loaded = new Set<string>();
  const load = (specifier: string | undefined) => {
    const target = redirects[specifier ?? ""] ?? specifier;
    if (target === undefined || loaded.has(target)) return;
    loaded.add(target);
    for (const { code, isDynamic } of known.get(target)?.dependencies ?? []) {
      if (!isDynamic) load(code?.specifier);
    }
  };
  load(new URL("mod.ts", root).href);
  const parts = new Map<string, ImportedPart>();
  for (const specifier of loaded) {
    const origin = originOf(specifier, root);
    const part = parts.get(origin) ?? { modules: 0, bytes: 0 };
    part.modules++;
    part.bytes += known.get(specifier)?.size ?? 0;
    parts.set(origin, part);
  }
  return parts;
}

function originOf(specifier: string, root: URL): string {
  if (specifier.startsWith(root.href)) return "this package";
  if (specifier.startsWith("node:")) return specifier;
  return /@std\/[\w-]+/.exec(specifier)?.[0] ?? new URL(specifier).host;
}
