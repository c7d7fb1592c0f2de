import { assertEquals, assertThrows } from "@std/assert";
import { type ClientOptions, InvalidArgumentError } from "../../mod.ts";
import { resolveClientOptions } from "../../src/client/mod.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { saying } from "../transaction/support.ts";

Deno.test("unitName - and the kind of a stream client follow the instance in the client id", async () => {
  for (
    const [options, id] of [
      [{}, "10.0.0.9@test"],
      [{ unitName: "unit-1" }, "10.0.0.9@test@unit-1"],
      [{ enableStreamRequestType: true }, "10.0.0.9@test@STREAM"],
      [{ unitName: "u", enableStreamRequestType: true }, "10.0.0.9@test@u@STREAM"],
    ] as const
  ) {
    await using cluster = new ScriptedCluster();
    await cluster.started(saying("COMMIT"), options);
    const [beat] = cluster.broker.heartbeats();
    assertEquals(beat?.clientId.replace(/^[^@]*/, "10.0.0.9"), id);
  }
});

Deno.test("access options - what can't be used is refused", () => {
  for (
    const [options, said] of [
      [{ namespace: "a%b" }, "namespace"],
      [{ namespace: "" }, "namespace"],
      [{ namespaceV2: "" }, "namespace"],
      [{ enableStreamRequestType: 1 }, "enableStreamRequestType"],
      [{ requestHooks: {} }, "requestHooks"],
      [{ requestHooks: [{ before: 1 }] }, "requestHooks"],
    ] as const
  ) {
    const all = { nameServers: "a:1", ...options } as unknown as ClientOptions;
    assertThrows(() => resolveClientOptions(all), InvalidArgumentError, said);
  }
});
