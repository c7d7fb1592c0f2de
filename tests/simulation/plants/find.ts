// deno-lint-ignore-file no-console
import { applyPlant, type Plant, PLANTS } from "./plants.ts";

const ROOT = new URL("../../../", import.meta.url);

/** What a copy of the sources needs, so that the simulation runs on it. */
const NEEDED = [
  "deno.json",
  "mod.ts",
  "src",
  "tests/simulation",
  "tests/fuzz",
  "tests/support/requests.ts",
  "tests/support/interruption.ts",
  "tests/support/progress.ts",
  "tests/support/secrets.ts",
];

/**
 * Plants a fault, or all one after the other, into a copy of the sources, and runs the simulation
 * on it until it is found. Gives whether every one was, by an invariant that should find it.
 */
export async function findPlants(
  name: string,
  from: number,
  seeds: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const plants = PLANTS.filter((plant) => name === "all" || plant.name === name);
  const folder = await Deno.makeTempDir({ prefix: "planted_" });
  let missed = 0;
  try {
    const copy = new URL(`file://${folder}/`);
    for (const path of NEEDED) await copyAll(new URL(path, ROOT), new URL(path, copy));
    for (const plant of plants) {
      const start = performance.now();
      const found = await findPlant(plant, copy, plant.from ?? from, seeds, signal);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      if (!found) missed++;
      console.log(
        `${plant.name}: ${found ?? `NOT FOUND by ${plant.foundBy.join(", ")} in ${seeds} seeds`} ` +
          `(${seconds} s)`,
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  console.log(`${plants.length - missed} of ${plants.length} planted faults were found`);
  return missed === 0;
}

/** The first violation that the simulation reports with a fault planted; undefined without one. */
export async function findPlant(
  plant: Plant,
  copy: URL,
  from: number,
  seeds: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const file = new URL(plant.file, copy),
    sound = await Deno.readTextFile(new URL(plant.file, ROOT));
  await Deno.writeTextFile(file, applyPlant(sound, plant));
  try {
    const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
      cwd: copy,
      args: [
        ...["run", "-A", "--no-check", "tests/simulation/main.ts"],
        ...["--seeds", String(seeds), "--from", String(from)],
        ...["--until", plant.foundBy.join(",")],
      ],
      ...(signal ? { signal } : {}),
    }).output();
    const output = new TextDecoder().decode(stdout);
    if (code > 1 || !output.includes(" with violations")) {
      throw new Error(`The run with ${plant.name} failed: ${new TextDecoder().decode(stderr)}`);
    }
    return output.split("\n").find((line) =>
      plant.foundBy.some((invariant) => line.includes(`: ${invariant} at `))
    );
  } finally {
    await Deno.writeTextFile(file, sound);
  }
}

async function copyAll(from: URL, to: URL): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) {
    await Deno.mkdir(new URL(".", to), { recursive: true });
    return await Deno.copyFile(from, to);
  }
  for await (const { name } of Deno.readDir(from)) {
    await copyAll(new URL(`${from.href}/${name}`), new URL(`${to.href}/${name}`));
  }
}
