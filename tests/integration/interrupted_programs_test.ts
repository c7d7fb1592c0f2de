import { assert, assertEquals } from "@std/assert";
import { delay } from "../support/delay.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/progress.ts";
import { launcherTest } from "../support/real_broker.ts";
import { StartedProcesses } from "../support/started_processes.ts";

const ROOT = new URL("../../", import.meta.url);

/** Programs that start a cluster, and how often Ctrl+C has to be pressed. */
const PROGRAMS: readonly [path: string, args: string[], times: number][] = [
  ["tests/chaos/main.ts", ["--brokers", "1", "--faults", "none"], 1],
  // The first time it settles what is open.
  ["tests/soak/main.ts", ["--brokers", "1"], 2],
  ["tests/support/with_cluster.ts", ["sleep", "60"], 1],
];

for (const [path, args, times] of PROGRAMS) {
  launcherTest(`${path} - Ctrl+C leaves no server behind`, async () => {
    const processes = new StartedProcesses();
    await using program = new Program(new URL(path, ROOT), {
      permissions: ["-A"],
      args,
      // Where a cluster is shared, a command would run on that one.
      env: { ...processes.env, ROCKETMQ_NAMESRV: "" },
    });
    const servers = async () => (await processes.list()).filter((line) => line.includes("java "));
    await program.until("its servers", async () => (await servers()).length >= 2);
    for (let time = 0; time < times; time++) {
      await delay(time > 0 ? 500 : 0); // two at once would be one
      program.signal("SIGINT");
    }
    assertEquals(await program.exit(20_000), 130, program.output);
    assert(
      await eventually(async () => (await processes.list()).length === 0, 10_000),
      (await processes.list()).join("\n"),
    );
    assertEquals(/ {4}at |Uncaught/.exec(program.output), null, program.output);
  });
}
