import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { TransactionSendError } from "../../src/errors.ts";
import type { Message } from "../../src/message/mod.ts";
import type {
  CheckContext,
  LocalTransactionContext,
  LocalTransactionState,
  TransactionListener,
  TransactionProducer,
  TransactionSendResult,
} from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { type ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";

/** A message with nothing special. */
export function message(fields: Partial<Message> = {}): Message {
  return { topic: TOPIC, body: "Hello RocketMQ", ...fields };
}

/** A listener that always says the same. */
export function saying(
  state: LocalTransactionState,
  onCheck: LocalTransactionState = "UNKNOWN",
): TransactionListener {
  return { executeLocalTransaction: () => state, checkLocalTransaction: () => onCheck };
}

/** A question to a listener that the test answers. */
export interface Question<Context> {
  context: Context;
  answer: (state: LocalTransactionState) => void;
  fail: (error: unknown) => void;
}

/** A listener whose every answer waits for the test. */
export class PatientListener implements TransactionListener {
  /** Local transactions that were begun. */
  readonly executions: Question<LocalTransactionContext>[] = [];
  /** Check-backs that reached the listener. */
  readonly checks: Question<CheckContext>[] = [];

  executeLocalTransaction(
    _message: unknown,
    _arg: unknown,
    context: LocalTransactionContext,
  ): Promise<LocalTransactionState> {
    return ask(this.executions, context);
  }

  checkLocalTransaction(
    _message: unknown,
    context: CheckContext,
  ): Promise<LocalTransactionState> {
    return ask(this.checks, context);
  }
}

function ask<C>(questions: Question<C>[], context: C): Promise<LocalTransactionState> {
  const { promise, resolve, reject } = Promise.withResolvers<LocalTransactionState>();
  questions.push({ context, answer: resolve, fail: reject });
  return promise;
}

/** A cluster, a producer with a patient listener, and a transaction whose local part has begun. */
export interface Begun {
  cluster: ScriptedCluster;
  producer: TransactionProducer;
  listener: PatientListener;
  /** How `sendMessageInTransaction` ends. */
  send: { value?: TransactionSendResult; error?: unknown; state: string };
}

/** Sends a half message and lets its local transaction begin. */
export async function begin(cluster: ScriptedCluster): Promise<Begun> {
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();
  assertEquals([listener.executions.length, send.state], [1, "pending"]);
  return { cluster, producer, listener, send };
}

/** Asserts that a send ended before its local transaction ran, and how. */
export function assertSendFailed(
  error: unknown,
  outcome: "failed" | "indeterminate",
  ...parts: string[]
): TransactionSendError {
  assertInstanceOf(error, TransactionSendError);
  assertEquals(
    [error.outcome, error.code],
    [outcome, outcome === "failed" ? "SEND_FAILED" : "SEND_INDETERMINATE"],
    error.message,
  );
  for (const part of [...parts, "the local transaction was not run"]) {
    assert(error.message.includes(part), `"${part}" is not in: ${error.message}`);
  }
  return error;
}

/** Asserts that nothing of a producer is left: no connection, dial or timer. */
export async function assertNothingLeft({ network, clock }: ScriptedCluster): Promise<void> {
  await settle();
  assertEquals(
    { connections: network.openConnections, dials: network.dialling, timers: clock.pendingTimers },
    { connections: 0, dials: 0, timers: 0 },
  );
}
