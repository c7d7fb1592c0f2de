#!/usr/bin/env -S deno run --allow-read
// deno-lint-ignore-file no-console
// @ts-check
/**
 * The codec alone: prints the commands in a capture of one direction of a connection, as Wireshark
 * saves it with "Follow TCP Stream" and "Raw", or `tcpflow`. No network, and no Deno either: the
 * subpath is pure, and Node.js runs this file as it is, with the package that `deno pack` makes.
 *
 *     deno run --allow-read examples/decode_capture.js capture.bin
 *     node examples/decode_capture.js capture.bin
 */
import { createReadStream } from "node:fs";
import process from "node:process";
import {
  isOneway,
  isResponse,
  RemotingCommandDecoderStream,
  RemotingDecodeError,
  RequestCode,
  ResponseCode,
} from "@rocketmq-deno/client/remoting";

const USAGE = `Prints the commands of the remoting protocol in a capture, a line each.

Usage: decode_capture.js FILE      the bytes that one end of a connection has sent
       decode_capture.js -         the same from the standard input

Exit codes: 0 all was decoded, 1 the file can't be read or is no capture, 2 wrong arguments.`;

/**
 * The name of a code, or the number where it has none.
 *
 * @param {Readonly<Record<string, number>>} names
 * @param {number} code
 * @returns {string}
 */
function nameOf(names, code) {
  return Object.keys(names).find((name) => names[name] === code) ?? String(code);
}

/**
 * @param {import("@rocketmq-deno/client/remoting").RemotingCommand} command
 * @returns {string}
 */
function describe(command) {
  const { opaque, extFields, body, remark } = command;
  const what = isResponse(command)
    ? `response ${nameOf(ResponseCode, command.code)}`
    : `${isOneway(command) ? "oneway" : "request"} ${nameOf(RequestCode, command.code)}`;
  return `#${opaque} ${what} ${JSON.stringify(extFields)} body ${body.length} bytes` +
    (remark ? ` remark ${JSON.stringify(remark)}` : "");
}

/**
 * @param {string} file
 * @returns {Promise<void>}
 */
async function decode(file) {
  const input = file === "-" ? process.stdin : createReadStream(file);
  /** @type {ReadableStream<Uint8Array>} */
  const bytes = ReadableStream.from(input);
  for await (const command of bytes.pipeThrough(new RemotingCommandDecoderStream())) {
    console.log(describe(command));
  }
}

const [file, ...rest] = process.argv.slice(2);
if (file === "--help" || file === "-h") console.log(USAGE);
else if (file === undefined || rest.length > 0 || (file.startsWith("-") && file !== "-")) {
  console.error(`One FILE is needed, or -\n\n${USAGE}`);
  process.exitCode = 2;
} else {
  try {
    await decode(file);
  } catch (error) {
    const what = error instanceof RemotingDecodeError ? "This is no capture" : "Cannot read it";
    console.error(`${what}: ${/** @type {Error} */ (error).message}`);
    process.exitCode = 1;
  }
}
