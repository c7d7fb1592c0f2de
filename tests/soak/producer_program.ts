/**
 * The producer of the soak run, in a process of its own, so that its memory is that of the producer
 * and of little else. It is started with `--v8-flags=--expose-gc`.
 *
 *     producer_program.ts NAME_SERVERS GROUP TOPIC RATE SEED
 *
 * It sends RATE transactions a second until it is told to stop, and tells what happens on stdout.
 */
import { TextLineStream } from "@std/streams/text-line-stream";
import {
  LocalTransactionState,
  RocketMQError,
  TransactionProducer,
  TransactionSendError,
} from "../../mod.ts";
import { print } from "../support/progress.ts";
import { silentLogger } from "../support/test_client.ts";
import { BitSet } from "./bit_set.ts";
import { bodyOf, type Plan, planOf } from "./plan.ts";
import type { Report, Sample } from "./reports.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** Milliseconds between two looks at how many transactions are due. */
const TICK = 10;

/** Seconds' worth of transactions that may be under way; over it none are begun. */
const MOST_SECONDS = 4;

/** Milliseconds between two reports of commits. */
const COMMITS_INTERVAL = 1_000;

class Soak {
  readonly #rate: number;
  readonly #seed: number;
  readonly #topic: string;
  readonly #producer: TransactionProducer<{ index: number; plan: Plan }>;
  /** The database: local transactions that ran. */
  readonly #ran = new BitSet();
  /** Sends whose call has settled, of which none runs its local transaction any more. */
  readonly #settled = new BitSet();
  readonly #reasons: Record<string, number> = {};
  #commits: number[] = [];
  #sent = 0;
  #inFlight = 0;
  #ranTwice = 0;
  #unhandled = 0;
  #isStopped = false;

  constructor([nameServers = "", producerGroup = "", topic = "", rate, seed]: readonly string[]) {
    this.#rate = Number(rate);
    this.#seed = Number(seed);
    this.#topic = topic;
    this.#producer = new TransactionProducer({
      nameServers,
      producerGroup,
      topics: [topic],
      logger: silentLogger,
      transactionListener: {
        executeLocalTransaction: (_message, { index, plan }) => this.#execute(index, plan),
        checkLocalTransaction: (message, { localTransactionRan }) =>
          this.#check(Number(message.keys[0]), localTransactionRan),
      },
    });
    for (const type of ["unhandledrejection", "error"] as const) {
      globalThis.addEventListener(type, (event) => {
        event.preventDefault();
        this.#unhandled++;
        const cause = event instanceof PromiseRejectionEvent ? event.reason : event.error;
        report({ type: "unhandled", message: String(cause?.stack ?? cause) });
      });
    }
  }

  async run(): Promise<void> {
    await this.#producer.start();
    report({ type: "started" });
    const sending = this.#send();
    // The end of stdin, also when the other side is no more, is the end.
    const orders = Deno.stdin.readable
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const order of orders) {
      if (order === "sample") report(this.#sample());
      else if (order === "stop") {
        this.#isStopped = true;
        await sending;
        report({ type: "stopped" });
      } else break;
    }
    this.#isStopped = true;
    await this.#producer.shutdown();
    await sending;
    report(this.#sample());
    report({ type: "ended" });
  }

  /** Resolves when it was stopped and every send has settled. */
  async #send(): Promise<void> {
    const begin = performance.now();
    let reportedAt = begin, heldBack = 0;
    while (!this.#isStopped || this.#inFlight > 0) {
      const now = performance.now();
      if (!this.#isStopped) {
        const due = Math.floor((now - begin) / 1_000 * this.#rate) - this.#sent - heldBack;
        const room = this.#rate * MOST_SECONDS - this.#inFlight;
        for (let count = Math.min(due, room); count > 0; count--) this.#sendOne(this.#sent++);
        heldBack += Math.max(0, due - Math.max(0, room));
      }
      if (now - reportedAt >= COMMITS_INTERVAL) {
        reportedAt = now;
        this.#reportCommits();
      }
      await new Promise((resolve) => setTimeout(resolve, TICK));
    }
    this.#reportCommits();
  }

  #sendOne(index: number): void {
    const message = { topic: this.#topic, keys: `${index}`, body: bodyOf(this.#seed, index) };
    const plan = planOf(this.#seed, index);
    this.#inFlight++;
    this.#producer.sendMessageInTransaction(message, { index, plan })
      .catch((error) => {
        // Whatever else is thrown is a fault, and nobody handles it.
        if (!(error instanceof TransactionSendError)) throw error;
        const reason = reasonOf(error);
        this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
      })
      .finally(() => {
        this.#settled.add(index);
        this.#inFlight--;
      });
  }

  #execute(index: number, { isCommit, ending }: Plan): LocalTransactionState {
    if (!this.#ran.add(index)) this.#ranTwice++;
    else if (isCommit) this.#commits.push(index);
    if (ending === "throws") throw new Error("the local transaction fails on purpose");
    return ending === "unknown" ? Unknown : isCommit ? Commit : Rollback;
  }

  #check(index: number, localTransactionRan: boolean | undefined): LocalTransactionState {
    if (this.#ran.has(index)) return planOf(this.#seed, index).isCommit ? Commit : Rollback;
    return localTransactionRan === false || this.#settled.has(index) ? Rollback : Unknown;
  }

  #reportCommits(): void {
    report({ type: "commits", indices: this.#commits });
    this.#commits = [];
  }

  #sample(): Sample {
    collect();
    const { heapUsed, rss } = Deno.memoryUsage();
    const stats = this.#producer.stats();
    return {
      type: "sample",
      sent: this.#sent,
      confirmed: stats.confirmedVerdicts,
      failed: stats.failedSends,
      indeterminate: stats.indeterminateSends,
      reasons: this.#reasons,
      checkBacks: stats.checkBacks,
      inFlight: this.#inFlight,
      ranTwice: this.#ranTwice,
      unhandled: this.#unhandled,
      heap: heapUsed,
      rss,
    };
  }
}

/** Outcome and code of what caused it: `failed CONNECT_FAILED`, `failed BROKER_REFUSED 2`. */
function reasonOf({ outcome, cause, responseCode }: TransactionSendError): string {
  const code = cause instanceof RocketMQError ? cause.code : "UNKNOWN";
  return `${outcome} ${code}${responseCode === undefined ? "" : ` ${responseCode}`}`;
}

/** Frees what nothing refers to. @throws {TypeError} where the program was started without `gc()`. */
function collect(): void {
  (globalThis as unknown as { gc(): void }).gc();
}

function report(facts: Report): void {
  print(JSON.stringify(facts));
}

if (import.meta.main) {
  // Ctrl+C in a terminal reaches this process, too: the other side says what to do.
  Deno.addSignalListener("SIGINT", () => {});
  await new Soak(Deno.args).run();
  Deno.exit(0);
}
