import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { serveInspector } from "../../src/testing/mod.ts";
import { print, progress } from "../support/progress.ts";
import { pause } from "./demo_load.ts";
import { NewestHalves } from "./newest_halves.ts";

/** Milliseconds between two looks for new transactions. */
const LOOK_INTERVAL = 2_000;

/** What is inspected of a cluster, and how. */
export interface ClusterInspection {
  /** Its name servers. */
  nameserver: string;
  /** The topic of the transactions. */
  topic: string;
  /** A group of its own. */
  group: string;
  /** Port of the page. */
  port: number;
  /** Ends it. */
  signal: AbortSignal;
}

/** Serves the inspector on a cluster until the signal ends it. The cluster is only read. */
export async function inspectCluster(
  { nameserver, topic, group, port, signal }: ClusterInspection,
): Promise<void> {
  await using cluster = new TransactionProducer({
    nameServers: nameserver,
    producerGroup: group,
    topics: [topic],
    // Nobody sends in its group: there is nothing that it could be asked about.
    transactionListener: {
      executeLocalTransaction: () => LocalTransactionState.Unknown,
      checkLocalTransaction: () => LocalTransactionState.Unknown,
    },
  });
  await cluster.start({ signal });
  await using halves = new NewestHalves(nameserver, topic);
  await using inspector = await serveInspector({ cluster, topic }, { port, signal });
  print(`${inspector.url} shows the transactions of ${topic} at ${nameserver}`);
  progress("Ctrl+C ends it");
  let problem = "";
  while (!signal.aborted) {
    try {
      for (const id of await halves.look()) inspector.watch(id);
      problem = "";
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== problem) progress(`Cannot look for new transactions: ${text}`);
      problem = text;
    }
    await pause(LOOK_INTERVAL, signal);
  }
  await inspector.finished;
}
