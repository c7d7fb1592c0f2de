/**
 * Stand-in for `@std/streams` where JSR can't be reached: what this module and its tests call.
 *
 * @module
 */
export * from "./byte_slice_stream.ts";
export * from "./limited_bytes_transform_stream.ts";
export * from "./text_line_stream.ts";
export * from "./to_array_buffer.ts";
export * from "./to_bytes.ts";
