// deno-lint-ignore-file no-console
/**
 * A broker that asks about transactions that a producer does not know, as it does after a restart of
 * the producer: it is told how, line by line, and writes what became of them.
 *
 * @module
 */
import { encodeStoredMessage, MessageProperty, SysFlag } from "../../src/message/mod.ts";
import { createRequest, encodeCommand, RequestCode } from "../../src/remoting/mod.ts";
import { createCheckTransactionStateRequest } from "../../src/testing/requests.ts";
import type { AskOrder, AskReport } from "./check_orders.ts";
import { Responder, type ResponderConnection } from "./responder.ts";
import type { SeenRequest } from "./responder_frames.ts";
import { createBody } from "./workload.ts";
import { endWithInput } from "./end_with_input.ts";

const COMMIT = "8";

/**
 * After so many milliseconds without an answer, what is left was dropped. A commit waits for up to a
 * second if the listener did not answer immediately.
 */
const QUIET = 1_500;

/** Questions that are written at once. */
const CHUNK = 100;

/** A transaction that is asked about. */
interface Question {
  readonly id: string;
  /** Where its half message was written last: what a verdict has to name. */
  offset: number;
  commits: number;
}

/** What is asked, and what has come of it. */
class Asker {
  readonly #questions = new Map<string, Question>();
  readonly #body = createBody(128);
  readonly #frames: Uint8Array[] = [];
  #nextOffset = 1;
  #open = 0;
  #answeredTwice = 0;
  #older = 0;
  #lastAnswerAt = 0;
  #wake = () => {};

  constructor(count: number) {
    for (let i = 0; i < count; i++) {
      const id = (2 ** 40 + i).toString(16).padStart(32, "0").toUpperCase();
      const question = { id, offset: 0, commits: 0 };
      this.#questions.set(id, question);
      this.#frames.push(this.#ask(question));
    }
  }

  /** Takes what a producer sends. */
  see({ code, header }: SeenRequest): void {
    if (code !== RequestCode.END_TRANSACTION) return;
    const { extFields } = JSON.parse(new TextDecoder().decode(header));
    const question = this.#questions.get(extFields.transactionId);
    if (!question || extFields.commitOrRollback !== COMMIT) return;
    if (question.commits++ > 0) this.#answeredTwice++;
    else this.#open--;
    if (Number(extFields.commitLogOffset) !== question.offset) this.#older++;
    this.#lastAnswerAt = performance.now();
    this.#wake();
  }

  /** Asks until all are answered, in rounds as a broker does: what was dropped comes again. */
  async askAll(connection: ResponderConnection, window: number): Promise<AskReport> {
    this.#open = this.#questions.size;
    let rounds = 0, asked = 0, busy = 0;
    while (this.#open > 0) {
      const start = performance.now();
      this.#lastAnswerAt = start;
      asked += await this.#askRound(connection, window, rounds++ === 0);
      await this.#untilQuiet();
      busy += this.#lastAnswerAt - start;
    }
    return {
      seconds: busy / 1000,
      rounds,
      asked,
      answeredTwice: this.#answeredTwice,
      older: this.#older,
    };
  }

  async #askRound(
    connection: ResponderConnection,
    window: number,
    isFirst: boolean,
  ): Promise<number> {
    const left = [...this.#questions.values()].filter(({ commits }) => commits === 0);
    const openBefore = this.#open;
    let asked = 0;
    const waiting = () => asked - (openBefore - this.#open);
    while (asked < left.length) {
      while (waiting() + CHUNK > window && await this.#answerOrQuiet());
      for (const question of left.slice(asked, asked + CHUNK)) {
        connection.push(isFirst ? this.#frames[asked]! : this.#ask(question));
        asked++;
      }
      await connection.flush();
    }
    return asked;
  }

  /** Waits for an answer; false when none comes any more. */
  async #answerOrQuiet(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#wake = () => resolve(true);
    const timer = setTimeout(() => resolve(false), QUIET);
    const isAnswered = await promise;
    clearTimeout(timer);
    return isAnswered;
  }

  async #untilQuiet(): Promise<void> {
    while (this.#open > 0 && await this.#answerOrQuiet());
    // One more moment shows answers that should not come.
    if (this.#open === 0) { while (await this.#answerOrQuiet()); }
  }

  /** Writes the half message once more, and makes the frame that asks about it. */
  #ask(question: Question): Uint8Array {
    question.offset = 256 * this.#nextOffset;
    const handle = {
      tranStateTableOffset: BigInt(this.#nextOffset++),
      commitLogOffset: BigInt(question.offset),
    };
    const message = encodeStoredMessage({
      topic: "topic_0",
      body: this.#body,
      sysFlag: SysFlag.TransactionPrepared,
      queueOffset: handle.tranStateTableOffset,
      commitLogOffset: handle.commitLogOffset,
      storeHost: "127.0.0.1:10911",
      properties: {
        [MessageProperty.UniqueKey]: question.id,
        [MessageProperty.ProducerGroup]: "bench_checks",
        [MessageProperty.TransactionPrepared]: "true",
        [MessageProperty.TransactionCheckTimes]: "1",
      },
    });
    const header = { ...handle, msgId: question.id, transactionId: question.id };
    const request = createCheckTransactionStateRequest(header, message);
    return encodeCommand(createRequest(request, this.#nextOffset, true));
  }
}

const order: AskOrder = JSON.parse(Deno.args[0]!);
const asker = new Asker(order.checks);
const registered = Promise.withResolvers<ResponderConnection>();
const responder = new Responder({
  brokers: 1,
  queues: 8,
  onRequest(request, connection) {
    if (request.code === RequestCode.HEART_BEAT) registered.resolve(connection);
    asker.see(request);
  },
});
console.log(responder.nameServer);
void endWithInput();
const connection = await registered.promise;
await new Promise((resolve) => setTimeout(resolve, 500));
console.log(JSON.stringify(await asker.askAll(connection, order.window)));
