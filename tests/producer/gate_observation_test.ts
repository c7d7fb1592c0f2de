import { assertEquals, assertInstanceOf } from "@std/assert";
import type {
  Producer,
  ProducerOptions,
  RocketMQError,
  SendContext,
  SendHooks,
  SendOptions,
  SendOutcome,
} from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { FakeOpenTelemetry } from "../telemetry/fake_open_telemetry.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message } from "./support.ts";

/** A hook that pairs each beginning with its ends. */
class PairingHooks implements SendHooks {
  readonly ends = new Map<string, SendOutcome[]>();

  before({ messages }: SendContext): void {
    this.ends.set(messages[0]!.messageId, []);
  }

  after({ messages }: SendContext, outcome: SendOutcome): void {
    this.ends.get(messages[0]!.messageId)!.push(outcome);
  }

  /** How often each send ended, and the codes of those that failed. */
  get summary(): { counts: number[]; codes: string[] } {
    const outcomes = [...this.ends.values()];
    const errors = outcomes.flat().flatMap(({ error }) => error === undefined ? [] : [error]);
    return {
      counts: outcomes.map((of) => of.length),
      codes: errors.map((error) => (error as RocketMQError).code),
    };
  }
}

/** A way in which a send ends before it has left, while another one has the only place. */
interface Refusal {
  readonly options?: Partial<ProducerOptions>;
  readonly send?: SendOptions;
  readonly happen: (cluster: ScriptedCluster, producer: Producer) => Promise<unknown> | void;
  readonly code: string;
}

const aborting = new AbortController();

const REFUSALS: Record<string, Refusal> = {
  "too many wait": { options: { maxSendsWaiting: 0 }, happen: () => {}, code: "OVERLOADED" },
  "its turn does not come in time": {
    send: { timeout: 500 },
    happen: ({ clock }) => clock.advance(500),
    code: "OVERLOADED",
  },
  "its caller aborts it": {
    send: { signal: aborting.signal },
    happen: () => aborting.abort(),
    code: "ABORTED",
  },
  "the producer shuts down": {
    happen: ({ clock }, producer) => {
      producer.shutdown({ timeout: 500 });
      return clock.advance(500);
    },
    code: "INVALID_STATE",
  },
};

for (const [title, { options, send, happen, code }] of Object.entries(REFUSALS)) {
  Deno.test(`sendHooks - when ${title}, a send that began has its end, and its span, too`, async () => {
    using telemetry = new FakeOpenTelemetry();
    await using cluster = new ScriptedCluster();
    const hooks = new PairingHooks();
    cluster.broker.on(RequestCode.SEND_MESSAGE_V2, silence);
    const producer = await cluster.started(
      { executeLocalTransaction: () => "COMMIT" },
      { maxSendsInFlight: 1, sendTimeout: 60_000, sendHooks: hooks, ...options },
    );
    watch(producer.send(message()));
    await settle();
    const waiting = watch(producer.send(message(), send));
    const transaction = watch(producer.sendMessageInTransaction(message(), undefined, send));
    await settle();
    await happen(cluster, producer);
    await settle();

    for (const { error } of [waiting, transaction]) assertInstanceOf(error, Error);
    assertEquals((waiting.error as RocketMQError).code, code);
    await cluster.clock.advance(60_000);
    const { counts, codes } = hooks.summary;
    assertEquals(counts, [1, 1, 1], "each has begun and ended once");
    assertEquals(codes.filter((it) => it === code).length, 2);
    const spans = telemetry.spans.filter(({ name }) => name.startsWith("send"));
    assertEquals(spans.length, 3);
    assertEquals(spans.map(({ attributes }) => attributes["error.type"]).sort(), codes.sort());
  });
}

Deno.test("sendHooks - of an automatic batch each message has its end, one whose caller aborts it, too", async () => {
  await using cluster = new ScriptedCluster();
  const hooks = new PairingHooks();
  cluster.broker.on(RequestCode.SEND_BATCH_MESSAGE, silence);
  const producer = cluster.producer({ sendHooks: hooks, autoBatch: true });
  await producer.start();
  const controller = new AbortController(), { signal } = controller;
  for (let i = 0; i < 3; i++) watch(producer.send(message()));
  watch(producer.send(message(), { signal }));
  controller.abort();
  await cluster.clock.advance(3_000);

  const { counts, codes } = hooks.summary;
  assertEquals(counts, [1, 1, 1, 1]);
  assertEquals(codes.sort(), ["ABORTED", "TIMEOUT", "TIMEOUT", "TIMEOUT"]);
});
