/** What a consumer has counted since its start, and what it holds now. */
export interface ConsumerStats {
  /** Queues that it has now. */
  readonly queues: number;
  /** Messages that were read and not begun. */
  readonly waiting: number;
  /** Handlers that run. */
  readonly running: number;
  /** Messages that were read and not settled. */
  readonly unsettled: number;
  /** Bytes of these, and of pulls under way. */
  readonly bufferedBytes: number;
  /** Calls of handlers that resolved. */
  readonly handled: number;
  /** Calls of handlers that threw. */
  readonly failed: number;
  /** Events that slow iterations over `events()` lost. */
  readonly droppedEvents: number;
}
