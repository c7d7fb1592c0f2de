/**
 * Runs seeds in a thread of its own: gets `{ from, count }`, answers with the verdicts.
 *
 * @module
 */
import { drawPlan } from "./draw_plan.ts";
import { judge, type Verdict } from "./verdict.ts";

/** The thread's own end; its types are not those of a main module. */
interface ThreadScope {
  onmessage: (event: MessageEvent<{ from: number; count: number }>) => void;
  postMessage(verdicts: readonly Verdict[]): void;
}

const thread = globalThis as unknown as ThreadScope;

thread.onmessage = async ({ data }) => {
  const verdicts: Verdict[] = [];
  for (let seed = data.from; seed < data.from + data.count; seed++) {
    try {
      verdicts.push(await judge(drawPlan(seed)));
    } catch (error) {
      verdicts.push({
        seed,
        hash: "",
        counts: {},
        violations: [{ invariant: "run", at: 0, message: `it failed: ${error}` }],
      });
    }
  }
  thread.postMessage(verdicts);
};
