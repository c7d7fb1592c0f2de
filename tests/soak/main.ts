/**
 * Sends transactions to a real cluster for a long time, kills its brokers meanwhile, and looks whether
 * anything gets lost, doubled or held.
 *
 *     deno task soak                               30 minutes, 500 transactions a second
 *     deno task soak --minutes 3 --kill-every 20   short, with more kills
 *
 * @module
 */
import { createTopic } from "../support/create_topic.ts";
import { RocketMQCluster } from "../support/cluster.ts";
import { delay } from "../support/delay.ts";
import { eventually, print, progress, tell } from "../support/progress.ts";
import { HELP, readArguments, UsageError, type Wanted } from "./arguments.ts";
import { describeMinute, type HeapSample, judge } from "./bars.ts";
import { Kills } from "./kills.ts";
import { Ledger } from "./ledger.ts";
import { indexOf } from "./plan.ts";
import { ProducerProcess } from "./producer_process.ts";
import type { Report, Sample } from "./reports.ts";
import { Witness } from "./witness.ts";

const TOPIC = "SoakTopic";

/** Queues of the topic on each broker. */
const QUEUES = 4;

/** Milliseconds between two samples; six of them make a line. */
const SAMPLE_INTERVAL = 10_000;

/** Milliseconds after the last send in which all commits have to become visible. */
const SETTLE_TIME = 180_000;

/** Milliseconds of two check rounds and more, in which copies and phantoms may still appear. */
const QUIET_TIME = 10_000;

/** Commits and phantoms that are named at the end. */
const MOST_NAMED = 20;

/** One run. */
class Run {
  readonly #wanted: Wanted;
  readonly #stop: AbortSignal;
  readonly #ledger = new Ledger();
  readonly #samples: HeapSample[] = [];
  /** How many were sent at each sample. */
  readonly #sentAt: number[] = [];
  #begin = performance.now();
  #last: Sample | undefined;

  constructor(wanted: Wanted, stop: AbortSignal) {
    this.#wanted = wanted;
    this.#stop = stop;
  }

  /** Gives whether all bars were reached. */
  async run(): Promise<boolean> {
    const { seed, rate, minutes, brokers } = this.#wanted;
    await using cluster = await RocketMQCluster.start({
      brokers,
      brokerConfig: {
        maxTransferCountOnMessageInMemory: "256",
        // A broker may refuse what waited for too long: the tests have that switched off.
        brokerFastFailureEnable: "true",
      },
    });
    const { nameServers } = cluster;
    await createTopic(TOPIC, cluster.brokers);
    await using producer = new ProducerProcess(
      [nameServers, "soak_group", TOPIC, String(rate), String(seed)],
      (report) => this.#note(report),
    );
    await producer.started();
    this.#begin = performance.now();
    await using witness = new Witness({
      nameServers,
      topic: TOPIC,
      addresses: cluster.brokers.map(({ address }) => address),
      queues: QUEUES,
      onBody: (body) => this.#ledger.seen(indexOf(seed, body)),
    });
    const kills = new Kills(cluster, this.#wanted.killEvery * 1_000);
    tell(`${rate} transactions a second for ${minutes} minutes, seed ${seed} …`);
    let stoppedAt;
    try {
      await this.#watch(producer, kills);
      tell("Waiting until all that is open is settled …");
      stoppedAt = performance.now();
      await producer.stop();
    } finally {
      await kills[Symbol.asyncDispose]();
    }
    const isSettled = () => this.#ledger.lost().next().done === true;
    await eventually(isSettled, SETTLE_TIME, 100);
    const settleTime = performance.now() - stoppedAt;
    await delay(QUIET_TIME);
    const code = await producer.end();
    await witness[Symbol.asyncDispose]();
    return this.#conclude(kills.count, settleTime, code);
  }

  #note(report: Report): void {
    if (report.type === "commits") {
      for (const index of report.indices) this.#ledger.committed(index);
    } else if (report.type === "sample") this.#last = report;
    else if (report.type === "unhandled") progress(`Nobody handled ${report.message}`);
  }

  /** Takes samples until the time is over or the run is stopped, and tells each minute. */
  async #watch(producer: ProducerProcess, kills: Kills): Promise<void> {
    const { minutes } = this.#wanted;
    const end = this.#begin + minutes * 60_000;
    for (let count = 1;; count++) {
      const next = Math.min(end, this.#begin + count * SAMPLE_INTERVAL);
      await eventually(() => this.#stop.aborted || performance.now() >= next, Infinity, 100);
      await producer.sample();
      const { sent, inFlight, heap } = this.#last!;
      const time = (performance.now() - this.#begin) / 1_000;
      this.#samples.push({ time, inFlight, heap });
      this.#sentAt.push(sent);
      const isLast = this.#stop.aborted || performance.now() >= end;
      if (count % 6 === 0 || isLast) {
        const aMinuteAgo = this.#sentAt.at(-7) ?? 0;
        const balance = this.#ledger.balance(aMinuteAgo);
        print(describeMinute(Math.ceil(count / 6), this.#last!, balance, kills.count));
      }
      if (isLast) return;
    }
  }

  #conclude(kills: number, settleTime: number, code: number): boolean {
    const balance = this.#ledger.balance(), last = this.#last!;
    const time = this.#samples.at(-1)!.time;
    const bars = judge(balance, last, this.#samples);
    if (code !== 0) bars.push({ text: `exit code of the producer ${code}`, isMissed: true });
    print(
      `\n${last.sent.toLocaleString("en")} transactions in ${time.toFixed(0)} s ` +
        `(${(last.sent / time).toFixed(0)}/s), ${kills} kills, ` +
        `${balance.commits.toLocaleString("en")} commits, ` +
        `${balance.visible.toLocaleString("en")} visible, ${balance.extraCopies} extra copies, ` +
        `${last.indeterminate} indeterminate, ${last.failed} failed, ` +
        `${last.checkBacks.toLocaleString("en")} check-backs, settled in ` +
        `${(settleTime / 1_000).toFixed(1)} s`,
    );
    for (const [reason, count] of Object.entries(last.reasons)) print(`       ${reason}: ${count}`);
    for (const { text, isMissed } of bars) print(`${isMissed ? "MISSED" : "ok    "} ${text}`);
    for (
      const [name, numbers] of [["lost", this.#ledger.lost()], [
        "phantom",
        this.#ledger.phantoms(),
      ]] as const
    ) {
      const named = numbers.take(MOST_NAMED).toArray();
      if (named.length > 0) print(`${name}: ${named.join(" ")}`);
    }
    return !bars.some(({ isMissed }) => isMissed);
  }
}

/** A signal that Ctrl+C gives; the second time it ends the process. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => {
      if (stop.signal.aborted) Deno.exit(130);
      stop.abort();
    });
  }
  return stop.signal;
}

if (import.meta.main) {
  try {
    const wanted = readArguments(Deno.args);
    if (wanted.help) {
      print(HELP);
      Deno.exit(0);
    }
    const stop = stopSignal(), isReached = await new Run(wanted, stop).run();
    Deno.exit(!isReached ? 1 : stop.aborted ? 130 : 0);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    progress(`${error.message}\n\n${HELP}`);
    Deno.exit(2);
  }
}
