// deno-lint-ignore-file no-console
/**
 * Compares the stand-ins in `.ci/offline/std` with the packages that they stand in for: they may export
 * less, and nothing else. The packages are read from JSR, or from where `JSR_URL` points to.
 *
 *     deno task std                compare
 *     deno task std --write        and write down what tests compare with, where JSR is out of reach
 *
 * @module
 */
import { PACKAGES } from "./registry.ts";
import { describeExports, type Signatures } from "./signatures.ts";

/** Signatures by entry point, for instance `@std/log/levels`. */
export type StdSignatures = Record<string, Signatures>;

/** Where the signatures of the real packages are written down. */
export const SIGNATURES = new URL("../../tests/fixtures/std_signatures.json", import.meta.url);

const HELP = `Compares the stand-ins in .ci/offline/std with the @std packages on JSR.

Usage: deno task std [--write]

  --write  Writes the real signatures of what the stand-ins export to tests/fixtures.
  --help   This text.

Exit codes: 0 they agree; 1 they differ, or JSR does not answer; 2 wrong arguments.`;

/** What the stand-ins export. */
export function readStandIns(): Promise<StdSignatures> {
  return readAll((name, _version, path) =>
    new URL(`std/${name}/${path.slice(2)}`, import.meta.url).href
  );
}

/** What the real packages export, of the versions that the stand-ins stand in for. */
export function readRealPackages(): Promise<StdSignatures> {
  return readAll((name, version, _path, entry) => `jsr:@std/${name}@${version}${entry.slice(1)}`);
}

async function readAll(
  locate: (name: string, version: string, path: string, entry: string) => string,
): Promise<StdSignatures> {
  const all: StdSignatures = {};
  for (const [name, { version, exports }] of Object.entries(PACKAGES)) {
    for (const [entry, path] of Object.entries(exports)) {
      all[`@std/${name}${entry.slice(1)}`] = await readExports(locate(name, version, path, entry));
    }
  }
  return all;
}

async function readExports(module: string): Promise<Signatures> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", module],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (!success) throw new Error(`Cannot read ${module}: ${new TextDecoder().decode(stderr)}`);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const [{ symbols }] = Object.values<{ symbols: unknown[] }>(nodes) as [{ symbols: unknown[] }];
  return describeExports(symbols);
}

/** What the stand-ins have that the real packages don't have, or have otherwise. */
export function compareSignatures(standIns: StdSignatures, real: StdSignatures): string[] {
  const differences: string[] = [];
  for (const [entry, signatures] of Object.entries(standIns)) {
    for (const [name, signature] of Object.entries(signatures)) {
      const expected = real[entry]?.[name];
      if (expected === signature) continue;
      differences.push(`${entry} ${name}: ${signature}\n    really: ${expected ?? "not there"}`);
    }
  }
  return differences;
}

/** The part of `real` that the stand-ins have a name for. */
export function pickUsed(real: StdSignatures, standIns: StdSignatures): StdSignatures {
  const pick = ([entry, used]: [string, Signatures]) => {
    const names = Object.keys(used).filter((name) => real[entry]?.[name] !== undefined).sort();
    return [entry, Object.fromEntries(names.map((name) => [name, real[entry]![name]!]))] as const;
  };
  return Object.fromEntries(Object.entries(standIns).map(pick));
}

async function main(args: string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(HELP);
    return 0;
  }
  const strange = args.find((arg) => arg !== "--write");
  if (strange !== undefined) {
    console.error(`Cannot use ${strange}\n\n${HELP}`);
    return 2;
  }
  let real: StdSignatures;
  try {
    real = await readRealPackages();
  } catch (error) {
    console.error(`Cannot compare: ${(error as Error).message}`);
    return 1;
  }
  const standIns = await readStandIns(), differences = compareSignatures(standIns, real);
  for (const difference of differences) console.log(difference);
  const count = Object.values(standIns).reduce((sum, it) => sum + Object.keys(it).length, 0);
  console.log(`${count} signatures of the stand-ins compared: ${differences.length} differ`);
  if (args.includes("--write")) {
    await Deno.writeTextFile(SIGNATURES, `${JSON.stringify(pickUsed(real, standIns), null, 2)}\n`);
    console.log(`Written: ${SIGNATURES.pathname}`);
  }
  return differences.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
