import { assertEquals } from "@std/assert";
import { CLIENT_VERSION, Release, releaseOf } from "../../src/remoting/internal.ts";

Deno.test("releaseOf() - names the release of a version number, snapshots like their release", () => {
  const releases = [[213, "4.0.0"], [317, "4.5.2"], [399, "4.9.3"], [406, "4.9.7"], [407, "4.9.7"]];
  const later = [[412, "5.0.0"], [413, "5.0.0"], [475, "5.3.1"], [513, "5.5.0"]];
  for (const [version, release] of [...releases, ...later]) {
    assertEquals(releaseOf(version as number), release as string);
  }
  assertEquals([releaseOf(Release.V5_0_0), releaseOf(CLIENT_VERSION)], ["5.0.0", "5.3.1"]);
});

Deno.test("releaseOf() - what says nothing, or comes before 4.0.0, has no name", () => {
  for (const version of [0, -1, 121, 211, NaN, 300.5]) assertEquals(releaseOf(version), undefined);
});
