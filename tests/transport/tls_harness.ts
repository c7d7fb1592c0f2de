import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { ConnectionError } from "../../src/errors.ts";
import {
  connect,
  type Connection,
  createTlsDialer,
  type TlsOptions,
  type Transport,
} from "../../src/transport/mod.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { silentWarnings } from "../support/test_client.ts";

/** Names that servers of these tests are dialled by. */
export const NAMES = ["localhost", "127.0.0.1"];

/** The authority that clients of these tests trust. */
export const authority = await CertificateAuthority.create();
/** A server's certificate that it has issued. */
export const identity = await authority.issue("broker", { names: NAMES });
/** What clients are told of it. */
export const caCerts = [authority.cert];

/** Dials without a deadline. */
export function dial(
  port: number,
  options: TlsOptions = { caCerts },
  host = "127.0.0.1",
): Promise<Transport> {
  return createTlsDialer(options)(host, port, { signal: new AbortController().signal });
}

/** Dials, and asserts that it fails with an error that says why and names the remedy. */
export async function assertRefused(
  port: number,
  options: TlsOptions,
  ...says: string[]
): Promise<ConnectionError> {
  const error = await assertRejects(() => dial(port, options), ConnectionError);
  for (const text of says) assertStringIncludes(error.message, text);
  assertStringIncludes(error.message, `Cannot connect to 127.0.0.1:${port} over TLS: `);
  assertEquals([error.code, error.written], ["CONNECT_FAILED", false]);
  assertEquals(error.address, `127.0.0.1:${port}`);
  return error;
}

/** Sends bytes over a new connection and gives what comes back, from a server that returns them. */
export async function roundTrip(
  port: number,
  options?: TlsOptions,
  host?: string,
): Promise<string> {
  const transport = await dial(port, options, host);
  try {
    const writer = transport.writable.getWriter(), reader = transport.readable.getReader();
    await writer.write(new TextEncoder().encode("hello"));
    return new TextDecoder().decode((await reader.read()).value);
  } finally {
    transport.close();
    transport.close();
  }
}

/** Opens a connection as clients do. */
export function open(port: number, options: TlsOptions, timeout = 5000): Promise<Connection> {
  return connect({
    host: "127.0.0.1",
    port,
    address: `127.0.0.1:${port}`,
    dialer: createTlsDialer(options),
    clock: systemClock,
    warnings: silentWarnings,
    timeout,
  });
}

/** What a client reads when its first request, or its dial, fails. */
export async function failure(port: number, options: TlsOptions): Promise<string> {
  const error = await assertRejects(async () => {
    const connection = await open(port, options);
    await connection.request({ code: 105 }, { timeout: 5000 });
  }, ConnectionError);
  return error.message;
}
