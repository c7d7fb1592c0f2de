/**
 * Sending: checks, queue choice, retries, and the life of a producer.
 *
 * @module
 */
export type { OutgoingMessage } from "./outgoing_message.ts";
export { Producer, type ProducerOptions, sendMessage } from "./producer.ts";
export { type ProducerBaseOptions, ProducerCore } from "./producer_core.ts";
export type { SendOptions, SendResult } from "./send_result.ts";
export type { SendBounds, SendReceipt } from "./sender.ts";
export { DEFAULT_MAX_MESSAGE_SIZE } from "./validation.ts";
