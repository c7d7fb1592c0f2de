import { LineReader, LineWriter, type Row } from "./journal.ts";

/** The database that all producers of the group have in common: a file that outlives each of them. */
export class Database implements Disposable {
  readonly #writer: LineWriter<Row>;
  readonly #reader: LineReader<Row>;
  readonly #rows = new Map<string, Row>();

  constructor(path: string) {
    this.#writer = new LineWriter(path);
    this.#reader = new LineReader(path);
  }

  /** The row of a transaction. The first one counts, whoever wrote it. */
  find(transactionId: string): Row | undefined {
    this.#refresh();
    return this.#rows.get(transactionId);
  }

  /** Adds a row unless there is one; gives the one that counts. */
  insert(row: Row): Row {
    if (!this.find(row.transactionId)) this.#writer.write(row);
    return this.find(row.transactionId)!;
  }

  /** The numbers of the messages whose local transaction has run. */
  finished(): Set<number> {
    this.#refresh();
    return new Set(
      [...this.#rows.values()].filter((row) => !row.isFenced).map(({ index }) => index),
    );
  }

  #refresh(): void {
    for (const row of this.#reader.read()) {
      if (!this.#rows.has(row.transactionId)) this.#rows.set(row.transactionId, row);
    }
  }

  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
    this.#reader[Symbol.dispose]();
  }
}
