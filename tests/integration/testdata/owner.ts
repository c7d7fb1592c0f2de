/** Starts a name server, tells where, and waits to be killed. */
import { RocketMQCluster } from "../../support/cluster.ts";

const cluster = await RocketMQCluster.start({ brokers: 0 });
const { pid } = cluster.nameServerProcesses[0]!;
Deno.stdout.writeSync(
  new TextEncoder().encode(`${JSON.stringify({ folder: cluster.folder, pid })}\n`),
);
setInterval(() => {}, 60_000);
