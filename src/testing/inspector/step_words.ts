import type { InspectedState, StepTone } from "./record.ts";

/** How a step is told, and how its transaction stands from then on. */
export interface StepWords {
  title: string;
  /** @default {""} */
  detail?: string;
  /** @default {"plain"} */
  tone?: StepTone;
  state?: InspectedState;
}

/** The words for each step of a transaction, whoever tells of it. */
export const STEP_WORDS = {
  stored: (detail = "No consumer sees it") => ({ title: "Half message stored", detail }),
  storedAgain: () => ({ title: "Half message put back", detail: "It is asked about later" }),
  confirmedStored: () => ({
    title: "Half message confirmed",
    detail: "The local transaction may run",
  }),
  notSent: (reason: string) => ({
    title: "Not sent",
    detail: reason,
    tone: "warn",
    state: "notSent",
  }),
  sentWithoutAnswer: (reason: string) => ({
    title: "Send without an answer",
    detail: reason,
    tone: "warn",
  }),
  localTransaction: (verdict: string, failure?: string) => ({
    title: `Local transaction: ${verdict}`,
    ...failure !== undefined && { detail: `It threw: ${failure}`, tone: "warn" as const },
  }),
  slowLocalTransaction: () => ({
    title: "Slow local transaction",
    detail: "The broker already asks",
    tone: "warn",
  }),
  verdict: (verdict: string, detail: string) => ({ title: `Verdict: ${verdict}`, detail }),
  verdictRefused: (verdict: string, reason: string) => ({
    title: `Verdict: ${verdict}, refused`,
    detail: reason,
    tone: "warn",
  }),
  verdictSent: (verdict: string) => ({ title: `Verdict sent: ${verdict}` }),
  verdictFailed: (verdict: string, reason: string) => ({
    title: `Verdict failed: ${verdict}`,
    detail: reason,
    tone: "warn",
  }),
  verdictConfirmed: (verdict: string, isCommit: boolean) => ({
    title: `Verdict confirmed: ${verdict}`,
    detail: "The broker has taken it",
    tone: isCommit ? "good" : "end",
    state: isCommit ? "visible" : "rolledBack",
  }),
  contradiction: (detail: string) => ({ title: "Contradiction", detail, tone: "warn" }),
  visible: (detail: string) => ({
    title: "Visible to consumers",
    detail,
    tone: "good",
    state: "visible",
  }),
  visibleAgain: (copy: number) => ({
    title: "Visible once more",
    detail: `Copy ${copy} of the message`,
    tone: "warn",
    state: "visible",
  }),
  commitFound: () => ({
    title: "Already visible",
    detail: "The broker is told to drop the surplus half message",
    tone: "good",
    state: "visible",
  }),
  rolledBack: (detail: string) => ({
    title: "Rolled back",
    detail,
    tone: "end",
    state: "rolledBack",
  }),
  checkBack: (times: number, detail: string) => ({ title: `Check-back ${times}`, detail }),
  nobodyToAsk: (times: number, group: string) => ({
    title: `Check-back ${times}: nobody to ask`,
    detail: `No member of ${group} is connected`,
    tone: "warn",
  }),
  checkBackReceived: (times: number, detail: string) => ({
    title: `Check-back ${times} received`,
    detail,
  }),
  checkBackNotAnswered: (reason: string) => ({
    title: "Check-back not answered",
    detail: reason,
    tone: "warn",
  }),
  lastCheckBacks: (left: number) => ({
    title: "Last check-backs",
    detail: `${left} are left`,
    tone: "warn",
  }),
  longImmunity: (seconds: number, lost: number, left: number) => ({
    title: "Long check immunity",
    detail: `${seconds} s cost ${lost} check-backs, ${left} are left`,
    tone: "warn",
  }),
  waiting: (detail: string) => ({ title: "Waits for a verdict", detail }),
  givenUp: (times: number, detail: string) => ({
    title: "Given up",
    detail: `Asked ${formatTimes(times)}; ${detail}`,
    tone: "warn",
    state: "givenUp",
  }),
  uncertain: () => ({
    title: "Its end is not told",
    detail: "The broker keeps half messages in RocksDB",
    state: "open",
  }),
  notFound: () => ({
    title: "Not found",
    detail: "No broker of the topic knows it, or not any more",
    tone: "warn",
    state: "notFound",
  }),
} as const satisfies Record<string, (...args: never[]) => StepWords>;

/** Says how often something was. */
export function formatTimes(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
