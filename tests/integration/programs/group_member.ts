/**
 * A member of a producer group as a process of its own, for tests that kill it. Its database is a
 * file with a line for each local transaction: `transactionId key COMMIT|ROLLBACK`.
 *
 *     group_member.ts NAME_SERVERS GROUP TOPIC DATABASE SENDS [--undecided]
 *
 * It sends SENDS messages whose local transactions are recorded in the database and answered with
 * unknown, every third a rollback. It answers check-backs from the database, and with unknown only
 * when `--undecided` is set. It tells on stdout what happens, one JSON object a line, and goes on
 * until it is ended.
 */
import { LocalTransactionState, TransactionProducer } from "../../../mod.ts";
import { print } from "../../support/progress.ts";

/** What the program tells. */
export type MemberReport =
  | { type: "started" }
  | { type: "sent"; transactionId: string; key: string }
  | { type: "allSent" }
  | { type: "asked"; transactionId: string; key: string; answer: string; known: boolean }
  | { type: "ended"; transactionId: string; outcome: string };

function report(facts: MemberReport): void {
  print(JSON.stringify(facts));
}

async function main(args: readonly string[]): Promise<void> {
  const [nameServers = "", producerGroup = "", topic = "", database = "", sends = "0", mode] = args;
  const isUndecided = mode === "--undecided";

  async function look(transactionId: string): Promise<LocalTransactionState> {
    if (isUndecided) return LocalTransactionState.Unknown;
    const lines = (await Deno.readTextFile(database)).split("\n").slice(0, -1);
    const verdict = lines.map((line) => line.split(" ")).find(([id]) => id === transactionId)?.[2];
    return (verdict as LocalTransactionState | undefined) ?? LocalTransactionState.Unknown;
  }

  const producer = new TransactionProducer<"COMMIT" | "ROLLBACK">({
    nameServers,
    producerGroup,
    topics: [topic],
    sendTimeout: 30_000,
    endTransactionTimeout: 15_000,
    transactionListener: {
      async executeLocalTransaction({ keys }, verdict, { transactionId }) {
        const line = `${transactionId} ${keys} ${verdict}\n`;
        await Deno.writeTextFile(database, line, { append: true });
        return LocalTransactionState.Unknown;
      },
      async checkLocalTransaction(message, { transactionId, known }) {
        const answer = await look(transactionId);
        report({ type: "asked", transactionId, key: message.keys[0] ?? "", answer, known });
        return answer;
      },
    },
  });
  const events = producer.events();
  await producer.start();
  report({ type: "started" });
  const sending = (async () => {
    for (let index = 0; index < Number(sends); index++) {
      const verdict = index % 3 === 2 ? "ROLLBACK" : "COMMIT";
      const message = { topic, keys: `${Deno.pid}-${index}-${verdict}`, body: `body ${index}` };
      const { transactionId } = await producer.sendMessageInTransaction(message, verdict);
      report({ type: "sent", transactionId, key: message.keys });
    }
    report({ type: "allSent" });
  })();
  for await (const event of events) {
    if (event.type !== "endTransaction" || event.state === LocalTransactionState.Unknown) continue;
    report({ type: "ended", transactionId: event.transactionId, outcome: event.outcome });
  }
  await sending;
}

if (import.meta.main) await main(Deno.args);
