import { LineProcess } from "./line_process.ts";

/** What the producer is told. */
export interface FlatOrder {
  /** So many are sent. */
  transactions: number;
  /** So many of them are under way at once. */
  inFlight: number;
}

/** What the producer writes. */
export interface FlatReport {
  /** CPU time of its process for one transaction, or at first for `start()`, in microseconds. */
  cpu: number;
  /** Its memory, in bytes. */
  rss: number;
  /** What of it is used on the heap. */
  heap: number;
  /** What V8 knows of outside of it. */
  external: number;
  /** The most memory that it had. */
  peak: number;
}

/** A producer in one process, and in another what answers it. */
export interface FlatWorkload extends AsyncDisposable {
  /** CPU time and memory of its start. */
  readonly start: FlatReport;
  /** Sends. */
  run(order: FlatOrder): Promise<FlatReport>;
}

/** Starts both. The topics are used in turn; each `checkInterval` milliseconds a check-back comes. */
export async function startFlatWorkload(
  brokers: number,
  topics: number,
  { checkInterval }: { checkInterval?: number } = {},
): Promise<FlatWorkload> {
  await using starting = new AsyncDisposableStack();
  const checks = checkInterval === undefined ? [] : ["--check-interval", `${checkInterval}`];
  const responder = starting.use(
    new LineProcess("./responder.ts", ["--brokers", `${brokers}`, ...checks]),
  );
  const nameServer = await responder.readLine();
  const client = starting.use(
    new LineProcess("./flat_client.ts", [nameServer, `${topics}`], responder),
  );
  const read = async (): Promise<FlatReport> => JSON.parse(await client.readLine());
  const start = await read();
  const processes = starting.move();
  return {
    start,
    async run(order) {
      await client.writeLine(JSON.stringify(order));
      return await read();
    },
    [Symbol.asyncDispose]: () => processes[Symbol.asyncDispose](),
  };
}
