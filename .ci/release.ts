// deno-lint-ignore-file no-console
/**
 * Says whether a tag may be published: it names the version in `deno.json`, and the changelog tells
 * what is in it.
 *
 *     deno run --allow-read .ci/release.ts v1.2.3
 *
 * @module
 */
import { findChangelogFaults, readChangelog } from "./changelog.ts";

const HELP = `Says whether a tag may be published.

Usage: deno run --allow-read .ci/release.ts TAG

Exit codes: 0 it may; 1 it may not, and why; 2 wrong arguments.`;

/** What speaks against publishing; nothing when all is well. */
export function findReleaseFaults(tag: string, version: string, changelog: string): string[] {
  const faults = findChangelogFaults(changelog).map((fault) => `CHANGELOG.md: ${fault}`);
  if (tag !== `v${version}`) faults.push(`the tag is ${tag}, deno.json has version ${version}`);
  if (!readChangelog(changelog).some((section) => section.version === version)) {
    faults.push(`CHANGELOG.md: there is no section ${version}`);
  }
  return faults;
}

async function main(args: string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(HELP);
    return 0;
  }
  const [tag, ...rest] = args;
  if (tag === undefined || tag.startsWith("-") || rest.length > 0) {
    console.error(`Cannot use ${args.join(" ") || "nothing"}: one tag is needed\n\n${HELP}`);
    return 2;
  }
  const root = new URL("../", import.meta.url);
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const changelog = await Deno.readTextFile(new URL("CHANGELOG.md", root));
  const faults = findReleaseFaults(tag, version, changelog);
  for (const fault of faults) console.error(`Cannot publish ${tag}: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
