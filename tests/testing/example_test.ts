import { assertEquals, assertStringIncludes } from "@std/assert";

Deno.test("examples - testing_a_listener.ts runs without any permission", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-prompt", "--no-check", "examples/testing_a_listener.ts"],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const output = new TextDecoder().decode(stdout);
  assertEquals(code, 0, output);
  assertStringIncludes(output, "ok | 4 passed | 0 failed");
});
