import { assert, assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { INVARIANTS } from "./invariants/mod.ts";
import { findPlants } from "./plants/find.ts";
import { applyPlant, PLANTS } from "./plants/plants.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("planted faults - each has its place in the sources, exactly once", async () => {
  assertGreaterOrEqual(PLANTS.length, 30);
  assertEquals(new Set(PLANTS.map(({ name }) => name)).size, PLANTS.length);
  for (const plant of PLANTS) {
    const sound = await Deno.readTextFile(new URL(plant.file, ROOT));
    assert(applyPlant(sound, plant) !== sound, plant.name);
    for (const name of plant.foundBy) {
      assert(INVARIANTS.some((invariant) => invariant.name === name), `${plant.name}: ${name}`);
    }
  }
});

Deno.test("planted faults - one whose place is gone or not the only one is refused", () => {
  const plant = { name: "x", file: "a.ts", old: "one", new: "two", foundBy: ["S1"] };
  assertEquals(applyPlant("just one", plant), "just two");
  assertThrows(() => applyPlant("nothing", plant), Error, "occurs 0 times in a.ts");
  assertThrows(() => applyPlant("one or one", plant), Error, "occurs 2 times in a.ts");
});

// All of them: deno task sim --plant all
for (const name of ["verdict-on-the-first-handle", "registered-without-a-heartbeat"]) {
  Deno.test(`planted faults - ${name} is found`, async () => {
    assert(await findPlants(name, 1, 400));
  });
}
