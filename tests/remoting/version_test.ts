import { assertEquals } from "@std/assert";
import { CLIENT_VERSION, ServerVersion, versionName } from "../../src/remoting/internal.ts";

Deno.test("versionName() - names the version of an ordinal, snapshots like their version", () => {
  const releases = [[213, "4.0.0"], [317, "4.5.2"], [399, "4.9.3"], [406, "4.9.7"], [407, "4.9.7"]];
  const later = [[412, "5.0.0"], [413, "5.0.0"], [475, "5.3.1"], [513, "5.5.0"]];
  for (const [version, release] of [...releases, ...later]) {
    assertEquals(versionName(version as number), release as string);
  }
  assertEquals([versionName(ServerVersion.V5_0_0), versionName(CLIENT_VERSION)], [
    "5.0.0",
    "5.3.1",
  ]);
});

Deno.test("versionName() - what says nothing, or comes before 4.0.0, has no name", () => {
  for (const version of [0, -1, 121, 211, NaN, 300.5]) {
    assertEquals(versionName(version), undefined);
  }
});
