/**
 * Message traces in the official encoding, and their way out in the background.
 *
 * @module
 */
export { encodeTrace, packTraces, type TraceMessage } from "./encode_trace.ts";
export {
  type EndTransactionTrace,
  type PubTrace,
  type RecallTrace,
  type Trace,
  TracedMessageType,
} from "./trace.ts";
export { TraceDispatcher, type TraceDispatcherOptions } from "./trace_dispatcher.ts";
