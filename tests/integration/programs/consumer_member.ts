/**
 * A member of a consumer group in a process of its own, that tells of each delivery. It ends when it is
 * killed.
 *
 *     deno run --allow-net consumer_member.ts NAME_SERVERS GROUP TOPIC HANDLER_TIME none|queue
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { Consumer } from "../../../src/consumer/mod.ts";

/** What the program tells, a line each. */
export type ConsumerReport =
  | { type: "started" }
  | { type: "assigned"; queue: string }
  | { type: "begun"; key: string }
  | { type: "handled"; key: string };

function tell(report: ConsumerReport): void {
  console.log(JSON.stringify(report));
}

if (import.meta.main) {
  const [nameServers, group, topic, handlerTime, order] = Deno.args as [
    ...[string, string, string, string],
    "none" | "queue",
  ];
  const consumer = new Consumer({ nameServers, group, order, subscriptions: { [topic]: "*" } });
  const events = consumer.events();
  (async () => {
    for await (const event of events) {
      if (event.type !== "assigned") continue;
      const { topic, brokerName, queueId } = event.queue;
      tell({ type: "assigned", queue: `${topic}@${brokerName}@${queueId}` });
    }
  })();
  await consumer.start();
  tell({ type: "started" });
  await consumer.run(async ({ uniqueKey: key }) => {
    tell({ type: "begun", key });
    await new Promise((resolve) => setTimeout(resolve, Number(handlerTime)));
    tell({ type: "handled", key });
  });
}
