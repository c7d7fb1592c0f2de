import type { InspectedState, InspectedStep } from "./record.ts";
import type { ClusterFinding, ClusterRecord } from "./source.ts";
import { formatTimes, STEP_WORDS, type StepWords } from "./step_words.ts";

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
    const words = wordsOfRecord(record, { begins, isCheck, copies: seen.copies });
    const step = stepOf(words, storeTimestamp, `${words.detail} (${brokerName})`);
    return { offsetMessageId, step, state: STATE_OF[kind], brokerName, begins };
  });
}

/** How a transaction stands, where no record tells it. */
export function stepOfFinding(finding: ClusterFinding, at: number): InspectedStep {
  return stepOf(wordsOfFinding(finding), at);
}

const STATE_OF = { half: "open", visible: "visible", givenUp: "givenUp" } as const;

function wordsOfRecord(
  { kind, checkTimes }: ClusterRecord,
  { begins, isCheck, copies }: { begins: boolean; isCheck: boolean; copies: number },
): StepWords {
  switch (kind) {
    case "half":
      if (begins) return STEP_WORDS.stored();
      return isCheck
        ? STEP_WORDS.checkBack(checkTimes, "The broker asks its group")
        : STEP_WORDS.storedAgain();
    case "visible":
      return copies === 1
        ? STEP_WORDS.visible("Its commit was carried out")
        : STEP_WORDS.visibleAgain(copies);
    case "givenUp":
      return STEP_WORDS.givenUp(checkTimes, HOW_TO_RESUME);
  }
}

function wordsOfFinding({ state, copies, checkTimes }: ClusterFinding): StepWords {
  const asked = checkTimes === 0 ? "Not asked about yet" : `Asked ${formatTimes(checkTimes)}`;
  switch (state) {
    case "pending":
      return STEP_WORDS.waiting(asked);
    case "committed":
      return STEP_WORDS.visible(copies === 1 ? asked : `${copies} copies. ${asked}`);
    case "rolledBack":
      return STEP_WORDS.rolledBack(asked);
    case "givenUp":
      return STEP_WORDS.givenUp(checkTimes, HOW_TO_RESUME);
    case "uncertain":
      return STEP_WORDS.uncertain();
    case "notFound":
      return STEP_WORDS.notFound();
  }
}

const HOW_TO_RESUME = "resume() has it asked again";

function stepOf(
  { title, detail = "", tone = "plain" }: StepWords,
  at: number,
  fullDetail = detail,
): InspectedStep {
  return { at, origin: "cluster", title, detail: fullDetail, tone, isEffect: false };
}
