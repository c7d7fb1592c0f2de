import type { CheckHandling, EndTransactionOutcome, LocalTransactionState } from "../../mod.ts";

/** A local transaction as the application's database has it. */
export interface Row {
  transactionId: string;
  /** Number of the message. */
  index: number;
  truth: "COMMIT" | "ROLLBACK";
  /** Checksum of the body. */
  sum: number;
  /** Whether its local transaction never ran, and must not run any more. */
  isFenced: boolean;
}

/** What a producer's process writes down. Times are milliseconds since 1970. */
export type Entry =
  | { type: "started"; at: number }
  | { type: "ran"; at: number; transactionId: string; index: number; brokerName: string }
  | { type: "said"; at: number; transactionId: string; state: LocalTransactionState }
  | { type: "sent"; at: number; transactionId: string; index: number }
  | {
    type: "failed";
    at: number;
    index: number;
    outcome: "failed" | "indeterminate" | "other";
    brokerName: string;
    reason: string;
  }
  | { type: "notSent"; at: number; index: number }
  | {
    type: "check";
    at: number;
    transactionId: string;
    handling: CheckHandling;
    isDecided: boolean;
  }
  | {
    type: "verdict";
    at: number;
    transactionId: string;
    state: LocalTransactionState;
    outcome: EndTransactionOutcome;
    brokerName: string;
  }
  /** An END_TRANSACTION that leaves, whatever becomes of it: COMMIT is 8, ROLLBACK 12. */
  | { type: "end"; at: number; transactionId: string; commitOrRollback: number }
  | { type: "connection"; at: number; brokerName: string; isUp: boolean }
  /** A wait that was longer than its deadline; `lag` is how late timers were meanwhile. */
  | { type: "late"; at: number; what: "send" | "verdict"; by: number; lag: number }
  | { type: "finished"; at: number }
  | { type: "closed"; at: number; droppedEvents: number };

/** Writes a line for each entry, at once: it is there even if the process is killed next. */
export class LineWriter<T> implements Disposable {
  readonly #file: Deno.FsFile;

  constructor(path: string) {
    this.#file = Deno.openSync(path, { create: true, append: true });
  }

  write(entry: T): void {
    // One write: what several processes append does not mix.
    this.#file.writeSync(new TextEncoder().encode(`${JSON.stringify(entry)}\n`));
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Reads what a {@linkcode LineWriter} writes, also while it does. */
export class LineReader<T> implements Disposable {
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  #rest = "";
  readonly #decoder = new TextDecoder();

  constructor(path: string) {
    this.#path = path;
  }

  /** The entries that have come since the last call. */
  read(): T[] {
    try {
      this.#file ??= Deno.openSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
    const buffer = new Uint8Array(64 * 1024);
    for (let count; (count = this.#file.readSync(buffer));) {
      this.#rest += this.#decoder.decode(buffer.subarray(0, count), { stream: true });
    }
    const lines = this.#rest.split("\n");
    this.#rest = lines.pop()!;
    return lines.map((line) => JSON.parse(line) as T);
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }
}
