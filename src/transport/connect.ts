import { ConnectionError, describe, type ErrorFacts } from "../errors.ts";
import { closeQuietly, Connection, type ConnectionOptions } from "./connection.ts";
import type { WireDialer } from "./transport.ts";

/** The settings of a new connection. */
export interface ConnectOptions extends Omit<ConnectionOptions, "address"> {
  /** Opens the transport. */
  dialer: WireDialer;
  /** Host name or IP address, without brackets. */
  host: string;
  port: number;
  /** `host:port` for errors. */
  address: string;
  /** Milliseconds for the dial. */
  timeout: number;
  /** Ends the dial early. */
  signal?: AbortSignal | undefined;
}

/**
 * Dials an address within a deadline, and makes a connection.
 *
 * @throws {ConnectionError} with code `CONNECT_FAILED` or `ABORTED`, naming address and remedy.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { dialer, host, port, clock, timeout } = options;
  const controller = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (error: ConnectionError) => {
    reject(error);
    controller.abort(error);
  };
  const onAbort = () =>
    end(failure(options, "ABORTED", "the caller aborted it", options.signal!.reason));
  const timer = clock.setTimer(
    () => end(failure(options, "CONNECT_FAILED", `no connection within ${timeout} ms`)),
    timeout,
  );
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const dialled = (async () => await dialer(host, port, { signal: controller.signal }))();
  try {
    return new Connection(await Promise.race([dialled, ended]), options);
  } catch (cause) {
    dialled.then(closeQuietly, () => {});
    if (cause instanceof ConnectionError) throw cause;
    throw failure(options, "CONNECT_FAILED", reasonOf(cause, host, port), cause);
  } finally {
    ended.catch(() => {});
    clock.clearTimer(timer);
    options.signal?.removeEventListener("abort", onAbort);
  }
}

function failure(
  options: ConnectOptions,
  code: "CONNECT_FAILED" | "ABORTED",
  reason: string,
  cause?: unknown,
): ConnectionError {
  const facts: ErrorFacts = {
    address: options.address,
    isRetriable: code === "CONNECT_FAILED" && !isPermission(cause),
  };
  if (cause !== undefined) facts.cause = cause;
  return new ConnectionError(code, `Cannot connect to ${options.address}: ${reason}`, facts);
}

/** Reports whether this program lacks a permission, so that only another start of it can help. */
export function lacksPermission(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isPermission(cause)) return true;
  }
  return false;
}

function isPermission(cause: unknown): boolean {
  return isOneOf(cause, "NotCapable", "PermissionDenied", "ERR_ACCESS_DENIED");
}

/** Compares an error with names, by which errors differ in Deno, and with codes, by which they do elsewhere. */
function isOneOf(cause: unknown, ...kinds: string[]): boolean {
  if (!(cause instanceof Error)) return false;
  return kinds.includes(cause.name) || ("code" in cause && kinds.includes(String(cause.code)));
}

function reasonOf(cause: unknown, host: string, port: number): string {
  if (isPermission(cause)) {
    return `this program may not, run it with --allow-net=${host}:${port} or --allow-net`;
  }
  if (isOneOf(cause, "ConnectionRefused", "ECONNREFUSED")) {
    return "connection refused, nothing listens there";
  }
  return describe(cause);
}
