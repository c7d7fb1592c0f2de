import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HELP, readArguments, UsageError } from "./arguments.ts";
import { INVARIANTS } from "./invariants/mod.ts";
import { PLANTS } from "./plants/plants.ts";

/** Runs the command; gives exit code and output. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const main = new URL("main.ts", import.meta.url).href;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", main, ...args],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("deno task sim - its options are read", () => {
  const defaults = { help: false, shrink: false, from: 1 };
  assertEquals(readArguments([]), { ...defaults, seeds: 2_000 });
  assertEquals(readArguments(["--seeds", "5", "--from", "9"]), { ...defaults, seeds: 5, from: 9 });
  assertEquals(readArguments(["--seed", "4", "--shrink"]), {
    ...{ ...defaults, seeds: 2_000, seed: 4, shrink: true },
  });
  assertEquals(readArguments(["--plant", "all"]).seeds, 5_000);
  assertEquals(readArguments(["--until", "S1,D1"]).until, ["S1", "D1"]);
});

Deno.test("deno task sim - what makes no sense is refused", () => {
  for (
    const args of [
      ["--sede", "1"],
      ["--seeds", "many"],
      ["--seeds", "0"],
      ["--from"],
      ["--shrink"],
      ["--plant", "weeds"],
      ["--until", "S99"],
    ]
  ) assertThrows(() => readArguments(args), UsageError, "Cannot use");
});

Deno.test("deno task sim - the help names every planted fault and invariant", () => {
  for (const { name } of [...PLANTS, ...INVARIANTS]) assertStringIncludes(HELP, name);
});

Deno.test("deno task sim - exit codes tell what came of it", async () => {
  const fine = await run("--seeds", "3");
  assertEquals(fine.code, 0);
  assertStringIncludes(fine.out, "3 seeds from 1 in ");
  assertStringIncludes(fine.out, ": 0 seeds with violations");
  assertEquals(fine.err, "", "progress is for a terminal only");
  const one = await run("--seed", "3");
  assertEquals(one.code, 0);
  assertStringIncludes(one.out, "seed 3: hash ");
  const wrong = await run("--seed", "three");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.err, "Cannot use --seed three");
});
