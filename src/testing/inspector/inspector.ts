import { checkCount, checkTime } from "../../checks.ts";
import { type Clock, systemClock } from "../../clock.ts";
import { InvalidArgumentError, printable } from "../../errors.ts";
import { ClusterWatch } from "./cluster_watch.ts";
import { EventStreams, type Greeting } from "./event_streams.ts";
import { feedFromBroker, feedFromProducer, type StopFeed } from "./feed.ts";
import { isLoopback } from "./guard.ts";
import { serveHttp } from "./http_server.ts";
import { answer } from "./routes.ts";
import type { InspectorSource } from "./source.ts";
import { TransactionLog } from "./transaction_log.ts";

/** The settings of an inspector. */
export interface InspectorOptions {
  /**
   * `127.0.0.1`, `::1` or `localhost`: the page is for this machine alone.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * Port of the page; 0 takes a free one.
   *
   * @default {0}
   */
  port?: number;
  /** Ends it, like `shutdown()`. */
  signal?: AbortSignal;
  /**
   * Most transactions that are kept: those that changed last.
   *
   * @default {10000}
   */
  maxTransactions?: number;
  /**
   * Milliseconds after which a page where nothing happens gets a sign of life.
   *
   * @default {10000}
   */
  heartbeatInterval?: number;
  /**
   * Milliseconds between two questions to a cluster about the same transaction.
   *
   * @default {2000}
   */
  pollInterval?: number;
  /**
   * Time and chance; give it the clock of the embedded broker, if that has one.
   *
   * @default {systemClock}
   */
  clock?: Clock;
}

/** A page that shows transactions, being served. */
export interface Inspector extends AsyncDisposable {
  /** Where the page is, as `http://127.0.0.1:8000/`. */
  readonly url: string;
  /** Settles when it has ended. */
  readonly finished: Promise<void>;
  /**
   * Has the cluster asked about a transaction until it is settled, as if its id had been entered on
   * the page.
   *
   * @throws {InvalidArgumentError} when there is no cluster.
   */
  watch(transactionId: string): void;
  /** Ends the page, and stops listening to the sources. They themselves go on. */
  shutdown(): Promise<void>;
}

/**
 * Serves a page on this machine that shows transactions as they happen: half message, local
 * transaction, verdict, check-backs, and how each ended. In Deno it needs `--allow-net` for the address.
 *
 * It shows all that happens in an embedded broker, what a producer tells of its own transactions, and
 * what a cluster answers about those whose ids are entered. Nothing is changed by it, but that an
 * embedded broker can be told to ask back at once. Requests of other origins are refused.
 *
 * @param source Where it hears of transactions.
 * @throws {InvalidArgumentError} when an option is not what it may be, or the port is not free.
 *
 * @example
 * ```ts
 * import { EmbeddedBroker, serveInspector } from "@rocketmq-deno/client/testing";
 *
 * async function main(): Promise<void> {
 *   await using broker = await EmbeddedBroker.start();
 *   await using inspector = await serveInspector({ broker });
 *   console.log(`Transactions: ${inspector.url}, name server: ${broker.nameServer}`);
 *   await inspector.finished;
 * }
 * ```
 */
export async function serveInspector(
  source: InspectorSource,
  options: InspectorOptions = {},
): Promise<Inspector> {
  const { clock = systemClock, hostname = "127.0.0.1", signal } = options;
  const port = checkCount("port", options.port, { fallback: 0, min: 0, max: 65_535 });
  const limit = checkCount("maxTransactions", options.maxTransactions, {
    fallback: 10_000,
    min: 1,
    max: 1_000_000,
  });
  const heartbeat = checkTime("heartbeatInterval", options.heartbeatInterval, 10_000);
  const interval = checkTime("pollInterval", options.pollInterval, 2_000);
  const greeting: Greeting = {
    ...describeSource(source),
    limit,
    heartbeat,
    canWatch: source.cluster !== undefined,
  };
  if (!isLoopback(hostname)) {
    throw new InvalidArgumentError(
      `Cannot use option hostname: it must be 127.0.0.1, ::1 or localhost, current value is ` +
        `"${printable(hostname, 64)}"`,
    );
  }
  const log = new TransactionLog(limit);
  const streams = new EventStreams(log, clock, greeting);
  const stop = new AbortController();
  const { broker, producer, cluster, topic = "" } = source;
  const onHealth = (problem: string | undefined) => streams.setProblem(problem);
  const watch = cluster &&
    new ClusterWatch({ cluster, topic, log, clock, interval, signal: stop.signal, onHealth });
  const parts = { log, streams, broker, watch, port: (): number => server.port };
  const server = await serveHttp(hostname, port, (request) => answer(request, parts));
  const feeds: StopFeed[] = [];
  if (broker) feeds.push(feedFromBroker(broker, log, clock));
  if (producer) feeds.push(feedFromProducer(producer, log, clock));
  const watching = watch?.run();

  const end = async () => {
    signal?.removeEventListener("abort", shutdown);
    stop.abort();
    streams.close();
    await Promise.all([server.shutdown(), watching, ...feeds.map((stopFeed) => stopFeed())]);
  };
  let ending: Promise<void> | undefined;
  const shutdown = () => ending ??= end();
  signal?.addEventListener("abort", shutdown);
  if (signal?.aborted) void shutdown();
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${server.port}/`,
    finished: server.finished.then(() => ending),
    watch(transactionId: string): void {
      if (watch) return watch.add(transactionId);
      throw new InvalidArgumentError("Cannot watch a transaction: the source has no cluster");
    },
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

/** Checks what is inspected, and says it in a few words. */
function describeSource(
  { broker, producer, cluster, topic }: InspectorSource,
): Pick<Greeting, "source" | "mode"> {
  if (cluster && !topic) {
    throw new InvalidArgumentError(
      "Cannot inspect the cluster: the topic of its transactions is needed",
    );
  }
  if (broker) return { mode: "broker", source: `Embedded broker at ${broker.nameServer}` };
  if (cluster) return { mode: "cluster", source: `Cluster, topic ${printable(topic!, 127)}` };
  if (producer) return { mode: "producer", source: "Producer of this process" };
  throw new InvalidArgumentError("Cannot inspect: a broker, a producer or a cluster is needed");
}
