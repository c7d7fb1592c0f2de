import { assertEquals, assertStringIncludes } from "@std/assert";
import { ENV } from "../support/shared_cluster.ts";

const TESTS = new URL("testdata/broker_tests.ts", import.meta.url);

Deno.test("brokerTest - without Java the tests are left out and one line says why", async () => {
  const { code, output } = await runTestsWithoutJava({});

  assertEquals(code, 0, output);
  assertStringIncludes(output, "1 passed | 0 failed");
  const lines = output.split("\n").filter((line) => line.includes("do not run"));
  assertEquals(lines.length, 1, output);
  assertStringIncludes(lines[0]!, "no `java` in JAVA_HOME or on the PATH");
});

Deno.test("brokerTest - without Java the tests fail where a broker is required", async () => {
  const { code, output } = await runTestsWithoutJava({ [ENV.required]: "1" });

  assertEquals(code, 1, output);
  assertStringIncludes(output, "1 passed | 2 failed");
  assertStringIncludes(
    output,
    "Cannot run a test that is required: Cannot start RocketMQ: no `java`",
  );
});

async function runTestsWithoutJava(
  env: Record<string, string>,
): Promise<{ code: number; output: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", "--no-check", TESTS.href],
      cwd: new URL("../..", import.meta.url),
      env: {
        PATH: folder,
        JAVA_HOME: "",
        NO_COLOR: "1",
        [ENV.nameServers]: "",
        [ENV.required]: "",
        [ENV.unavailable]: "",
        [ENV.announced]: "",
        ...env,
      },
    }).output();
    const text = new TextDecoder();
    return { code, output: text.decode(stdout) + text.decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
