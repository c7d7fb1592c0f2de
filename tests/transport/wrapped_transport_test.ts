import { assertEquals } from "@std/assert";
import { dialTcp } from "../../src/transport/mod.ts";

Deno.test("dialTcp() - what is wrapped around a stream of its transport sees the bytes, none go past it", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const signal = AbortSignal.timeout(5_000);
  const transport = await dialTcp("127.0.0.1", listener.addr.port, { signal });
  using _peer = await accepted;

  assertEquals(typeof transport.raw?.read, "function");
  const { raw } = { ...transport };
  assertEquals(raw, undefined);
  transport.close();
});
