import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { findFreePort } from "../support/ports.ts";

Deno.test("findFreePort - a port with a busy neighbour is not taken", () => {
  const { lowest } = freeRange(4);
  using _busy = Deno.listen({ hostname: "127.0.0.1", port: lowest });

  assertEquals(findFreePort([-1, 1], { lowest: lowest + 1, highest: lowest + 2 }), lowest + 2);
});

Deno.test("findFreePort - says so when the range is full", () => {
  const { lowest } = freeRange(1);
  using _busy = Deno.listen({ hostname: "127.0.0.1", port: lowest });

  const error = assertThrows(() => findFreePort([], { lowest, highest: lowest }), Error);
  assertStringIncludes(error.message, `Cannot find a free port between ${lowest} and ${lowest}`);
});

/** `size` free ports in a row. */
function freeRange(size: number): { lowest: number } {
  return { lowest: findFreePort(Array.from({ length: size }, (_, index) => index)) };
}
