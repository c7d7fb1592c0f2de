import type { Clock } from "../clock.ts";
import { type Logger, ThrottledLogger } from "../logger.ts";
import type { CheckQueue } from "./check_queue.ts";
import type { CheckHandling } from "./transaction_events.ts";

/** Tells, now and then, of check-backs that nobody will answer. */
export class CheckWarnings {
  readonly #logger: ThrottledLogger;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = new ThrottledLogger(logger, clock);
  }

  /** Tells of a check-back that was offered to the queue. After the end of the queue there is nothing to tell. */
  tell(handling: CheckHandling, { isOpen, hasConsumer, waiting }: CheckQueue): void {
    if (!isOpen) return;
    if (handling === "dropped") {
      this.#logger.warn(
        "dropped",
        `Dropped a check-back, ${waiting} wait already: make the listener faster, or raise ` +
          "checkConcurrency; the broker asks again",
      );
    } else if (!hasConsumer) {
      this.#logger.warn(
        "no consumer",
        "A check-back waits and nothing takes it: iterate over checkBacks(), or give the listener " +
          "a checkLocalTransaction",
      );
    }
  }
}
