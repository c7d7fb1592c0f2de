import { assertEquals } from "@std/assert";
import { isThere } from "../support/node_tests.ts";
import { MavenDownload } from "../support/maven_download.ts";

const PROGRAM = new URL("testdata/two_steps.ts", import.meta.url).pathname;

/** Runs the program; on a terminal of its own, if it is to have one. */
async function run(env: Record<string, string>, onTerminal: boolean): Promise<string[]> {
  const command = [Deno.execPath(), "run", "-A", "--no-check", PROGRAM];
  const [program, ...args] = onTerminal
    ? ["script", "--quiet", "--return", "--command", command.join(" "), "/dev/null"]
    : command;
  const { CI: _, ...inherited } = Deno.env.toObject();
  const { stdout, stderr } = await new Deno.Command(program!, {
    args,
    env: { ...inherited, ...env, NO_COLOR: "1" },
    clearEnv: true,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return (decoder.decode(stderr) + decoder.decode(stdout)).split(/\r?\n/)
    .filter((line) => line.startsWith("The "));
}

Deno.test("progress - is not shown where nobody looks on", async () => {
  assertEquals(await run({}, false), ["The result"]);
});

if (Deno.build.os === "linux" && await isThere("script")) {
  Deno.test("progress - is shown on a terminal, but for that of a CI job", async () => {
    const steps = ["The first step …", "The second step", "The result"];
    assertEquals(await run({}, true), steps);
    assertEquals(await run({ CI: "true" }, true), ["The result"]);
  });
}

Deno.test("Maven download - tells how much is here, and what went wrong", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const maven = `${folder}/mvn`;
    const lines = [
      "Downloading from central: https://repo.example/a.pom",
      "Downloaded from central: https://repo.example/a.pom (2.5 kB at 10 kB/s)",
      "[INFO] Downloaded from central: https://repo.example/a.jar (1.2 MB at 3.4 MB/s)",
      "[ERROR] there is no b.jar",
    ];
    await Deno.writeTextFile(
      maven,
      `#!/bin/sh\ncat <<'END'\n${lines.join("\n")}\nEND\nexit "$1"\n`,
    );
    await Deno.chmod(maven, 0o700);
    const download = new MavenDownload();
    assertEquals([await download.run(maven, ["0"]), download.describe()], [
      true,
      ", 2 files, 1.2 MB",
    ]);
    assertEquals(download.errors, ["[ERROR] there is no b.jar"]);
    assertEquals([new MavenDownload().describe(), await download.run(maven, ["1"])], ["", false]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
