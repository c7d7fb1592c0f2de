/// <reference lib="webworker" />
/**
 * Runs seeds in a thread of its own: gets `{ from, count }`, answers with the verdicts.
 *
 * @module
 */
import { drawPlan } from "./draw_plan.ts";
import { judge, type Verdict } from "./verdict.ts";

self.addEventListener(
  "message",
  async ({ data }: MessageEvent<{ from: number; count: number }>) => {
    const verdicts: Verdict[] = [];
    for (let seed = data.from; seed < data.from + data.count; seed++) {
      try {
        verdicts.push(await judge(drawPlan(seed)));
      } catch (error) {
        verdicts.push({
          seed,
          hash: "",
          violations: [{ invariant: "run", at: 0, message: `it failed: ${error}` }],
        });
      }
    }
    self.postMessage(verdicts);
  },
);
