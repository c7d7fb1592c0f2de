import type { Database, Row, Sql, SqlValue } from "../../examples/order_service/sql.ts";
import { FrameDecoder, RequestCode } from "../../src/remoting/mod.ts";

import type { Dialer, Transport } from "../../src/transport/mod.ts";

/** Requests before and after which a process can be killed. The others change nothing for long. */
const FATAL: ReadonlySet<number> = new Set([
  RequestCode.SEND_MESSAGE_V2,
  RequestCode.END_TRANSACTION,
  RequestCode.UPDATE_CONSUMER_OFFSET,
  RequestCode.CONSUMER_SEND_MSG_BACK,
]);

/** What happens at a step. */
export type Fate = "killed" | "fails";

/** How a database answers a step at which it fails. */
export class DatabaseFailed extends Error {
  override name = "DatabaseFailed";
}

/**
 * A process as its database and its network see it. It dies at its n-th step: from then on nothing that
 * it does has an effect, its connections are closed, and its open database transaction is rolled back.
 * Steps are before and after each statement, each commit, and each request that changes something.
 */
export class MortalProcess {
  /** The steps that were taken. */
  readonly steps: string[] = [];
  readonly #at: number;
  readonly #fate: Fate;
  readonly #transports = new Set<Transport>();
  #isDead = false;

  constructor(at = Infinity, fate: Fate = "killed") {
    this.#at = at;
    this.#fate = fate;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Reports whether the process got as far as its fate. */
  get hasMetFate(): boolean {
    return this.steps.length >= this.#at;
  }

  /** Takes a step of the database. Never resolves in a dead process. */
  async step(name: string): Promise<void> {
    if (this.#dies(name)) await new Promise<never>(() => {});
  }

  /** Takes a step within a transaction, which the death of the process rolls back. */
  stepInside(name: string): void {
    if (this.#dies(name)) throw new DatabaseFailed("the process is gone");
  }

  database(inner: Database): Database {
    return new MortalDatabase(this, inner);
  }

  /** Wraps a dialer: what a dead process sends or would receive is lost. */
  dialer(inner: Dialer): Dialer {
    return async (host, port, options) => {
      if (this.#isDead) throw new Error("the process is gone");
      const transport = await inner(host, port, options);
      this.#transports.add(transport);
      const frames = new FrameDecoder(), writer = transport.writable.getWriter();
      const writable = new WritableStream<Uint8Array>({
        write: async (bytes) => {
          const codes = frames.push(bytes.slice()).map(({ code }) => code)
            .filter((code) => FATAL.has(code));
          for (const code of codes) this.#dies(`before request ${code}`);
          if (this.#isDead) throw new Error("the process is gone");
          await writer.write(bytes);
          for (const code of codes) this.#dies(`after request ${code}`);
        },
        close: () => writer.close(),
        abort: (reason) => writer.abort(reason),
      });
      return { ...transport, writable, close: () => transport.close() };
    };
  }

  #dies(name: string): boolean {
    if (this.#isDead) return true;
    this.steps.push(name);
    if (this.steps.length !== this.#at) return false;
    if (this.#fate === "fails") {
      if (name.includes("request")) return false;
      throw new DatabaseFailed(`the database is away ${name}`);
    }
    this.#isDead = true;
    for (const transport of this.#transports) transport.close();
    return true;
  }
}

class MortalDatabase implements Database {
  readonly #process: MortalProcess;
  readonly #inner: Database;

  constructor(process: MortalProcess, inner: Database) {
    this.#process = process;
    this.#inner = inner;
  }

  async rows(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    await this.#process.step(`before ${verbOf(sql)}`);
    const rows = await this.#inner.rows(sql, ...values);
    await this.#process.step(`after ${verbOf(sql)}`);
    return rows;
  }

  async run(sql: string, ...values: SqlValue[]): Promise<number> {
    await this.#process.step(`before ${verbOf(sql)}`);
    const changed = await this.#inner.run(sql, ...values);
    await this.#process.step(`after ${verbOf(sql)}`);
    return changed;
  }

  async transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    await this.#process.step("before BEGIN");
    let value: T;
    try {
      value = await this.#inner.transaction(async (tx) => {
        const result = await work(this.#statements(tx));
        this.#process.stepInside("before COMMIT");
        return result;
      });
    } catch (error) {
      if (this.#process.isDead) await new Promise<never>(() => {});
      throw error;
    }
    await this.#process.step("after COMMIT");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #statements(tx: Sql): Sql {
    const around = async <R>(sql: string, run: () => Promise<R>): Promise<R> => {
      this.#process.stepInside(`before ${verbOf(sql)}`);
      const result = await run();
      this.#process.stepInside(`after ${verbOf(sql)}`);
      return result;
    };
    return {
      rows: (sql, ...values) => around(sql, () => tx.rows(sql, ...values)),
      run: (sql, ...values) => around(sql, () => tx.run(sql, ...values)),
    };
  }
}

function verbOf(sql: string): string {
  return sql.trim().split(/\s+/, 3).join(" ");
}
