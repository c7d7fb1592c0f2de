/**
 * Message traces in the official encoding, and their way out in the background.
 *
 * @module
 */
export {
  encodeTrace,
  type EndTransactionTrace,
  packTraces,
  type PubTrace,
  type RecallTrace,
  type Trace,
  TracedMessageType,
  type TraceMessage,
} from "./trace.ts";
export { TraceDispatcher, type TraceDispatcherOptions } from "./trace_dispatcher.ts";
