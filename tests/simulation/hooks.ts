import type { EndTransactionHooks, SendHooks } from "../../mod.ts";
import type { Fact } from "./history.ts";

/** Hooks that tell when they are called. */
export function tellingHooks(
  member: string,
  tell: (fact: Fact) => void,
): { sendHooks: SendHooks; endTransactionHooks: EndTransactionHooks } {
  const telling = (around: "send" | "verdict", step: "before" | "after", id: string) =>
    tell({ type: "hook", member, around, step, id });
  const idOf = (messages: readonly { messageId: string }[]) => messages[0]!.messageId;
  return {
    sendHooks: {
      before: ({ messages }) => telling("send", "before", idOf(messages)),
      after: ({ messages }) => telling("send", "after", idOf(messages)),
    },
    endTransactionHooks: {
      before: ({ transactionId, brokerName }) =>
        telling("verdict", "before", `${transactionId} ${brokerName}`),
      after: ({ transactionId, brokerName }) =>
        telling("verdict", "after", `${transactionId} ${brokerName}`),
    },
  };
}
