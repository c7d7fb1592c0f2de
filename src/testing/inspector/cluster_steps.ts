import type { InspectedState, InspectedStep, StepTone } from "./record.ts";
import type { ClusterFinding, ClusterRecord } from "./source.ts";

/** What is told of a step. */
interface Wording {
  title: string;
  detail: string;
  tone: StepTone;
}

/** A step that a record in a broker's log proves, and how the transaction stood from then on. */
export interface RecordedStep {
  /** The record. */
  readonly offsetMessageId: string;
  readonly step: InspectedStep;
  readonly state: InspectedState;
  readonly brokerName: string;
  /** Whether the half message was stored for the first time here. */
  readonly begins: boolean;
}

/** What the records of a transaction tell, in the order of time. */
export function stepsOfRecords(records: readonly ClusterRecord[]): RecordedStep[] {
  const seen = { halves: 0, copies: 0, checkTimes: 0 };
  return records.map((record) => {
    const { kind, brokerName, storeTimestamp, checkTimes, offsetMessageId } = record;
    const begins = kind === "half" && seen.halves++ === 0 && checkTimes === 0;
    if (kind === "visible") seen.copies++;
    const isCheck = kind === "half" && checkTimes > seen.checkTimes;
    seen.checkTimes = Math.max(seen.checkTimes, checkTimes);
    const wording = begins
      ? STORED
      : kind === "half"
      ? isCheck ? checkBack(checkTimes) : PUT_BACK
      : kind === "visible"
      ? visible(seen.copies)
      : givenUp(checkTimes);
    const step = wordedStep(wording, storeTimestamp, `${wording.detail} (${brokerName})`);
    return { offsetMessageId, step, state: STATE_OF[kind], brokerName, begins };
  });
}

/** How a transaction stands, where no record tells it. */
export function stepOfFinding(finding: ClusterFinding, at: number): InspectedStep {
  const wording = wordingOf(finding);
  return wordedStep(wording, at, wording.detail);
}

const STATE_OF = { half: "open", visible: "visible", givenUp: "givenUp" } as const;

const STORED: Wording = {
  title: "Half message stored",
  detail: "No consumer sees it",
  tone: "plain",
};

const PUT_BACK: Wording = {
  title: "Half message put back",
  detail: "It is asked about later",
  tone: "plain",
};

function checkBack(times: number): Wording {
  return { title: `Check-back ${times}`, detail: "The broker asks its group", tone: "plain" };
}

function visible(copy: number): Wording {
  return copy === 1
    ? { title: "Visible to consumers", detail: "Its commit was carried out", tone: "good" }
    : { title: "Visible once more", detail: `Copy ${copy} of the message`, tone: "warn" };
}

function givenUp(times: number): Wording {
  return {
    title: "Given up",
    detail: `Asked ${timesOf(times)}; resume() has it asked again`,
    tone: "warn",
  };
}

function wordingOf({ state, copies, checkTimes }: ClusterFinding): Wording {
  const asked = checkTimes === 0 ? "Not asked about yet" : `Asked ${timesOf(checkTimes)}`;
  switch (state) {
    case "pending":
      return { title: "Waits for a verdict", detail: asked, tone: "plain" };
    case "committed": {
      const detail = copies === 1 ? asked : `${copies} copies. ${asked}`;
      return { title: "Visible to consumers", detail, tone: "good" };
    }
    case "rolledBack":
      return { title: "Rolled back", detail: asked, tone: "end" };
    case "givenUp":
      return givenUp(checkTimes);
    case "notFound":
      return {
        title: "Not found",
        detail: "No broker of the topic knows it, or not any more",
        tone: "warn",
      };
  }
}

function timesOf(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function wordedStep({ title, tone }: Wording, at: number, detail: string): InspectedStep {
  return { at, origin: "cluster", title, detail, tone, isEffect: false };
}
