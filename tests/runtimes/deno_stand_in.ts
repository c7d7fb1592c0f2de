/**
 * What tests and their programs use of Deno, made of what Node.js and Bun have. Only modules of tests
 * get it, under the name `Deno` and as a name of their module alone: for the sources it is not there.
 */
import fs from "node:fs";
import net from "node:net";
import process from "node:process";
import tls from "node:tls";
import { inspect } from "node:util";

class BadResource extends Error {
  override name = "BadResource";
}
class ConnectionRefused extends Error {
  override name = "ConnectionRefused";
}
class InvalidData extends Error {
  override name = "InvalidData";
}
class NotCapable extends Error {
  override name = "NotCapable";
}
class PermissionDenied extends Error {
  override name = "PermissionDenied";
}

/** Everything that a runtime without these classes throws. */
class AnyError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value !== undefined;
  }
}

/** A failed look for a file. */
class NotFound extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && "code" in value && value.code === "ENOENT";
  }
}

/** A connection: what `Deno.Conn` has. */
class Conn {
  readonly #socket: net.Socket;
  readonly #chunks: (Uint8Array | null)[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    const take = (chunk: Uint8Array | null) => {
      this.#chunks.push(chunk);
      this.#wake?.();
    };
    socket.on("data", (bytes) => take(Uint8Array.from(bytes)));
    socket.on("end", () => take(null));
    socket.on("close", () => take(null));
    socket.on("error", (error) => {
      this.#failure = error;
      this.#wake?.();
    });
  }

  get localAddr() {
    return { transport: "tcp", hostname: this.#socket.localAddress, port: this.#socket.localPort };
  }

  get remoteAddr() {
    const { remoteAddress, remotePort } = this.#socket;
    return { transport: "tcp", hostname: remoteAddress, port: remotePort };
  }

  async read(memory: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const chunk = this.#chunks[0];
    if (!chunk) return null;
    const size = Math.min(memory.length, chunk.length);
    memory.set(chunk.subarray(0, size));
    if (size < chunk.length) this.#chunks[0] = chunk.subarray(size);
    else this.#chunks.shift();
    return size;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length))
    );
  }

  setNoDelay(): void {
    this.#socket.setNoDelay();
  }

  close(): void {
    if (this.#isClosed) throw new BadResource("it is closed");
    this.#isClosed = true;
    this.#socket.destroySoon();
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) this.close();
  }
}

/** A listener: what `Deno.Listener` has. It begins to listen in a moment, and has its port then. */
class Listener {
  readonly addr: { hostname: string; port: number };
  readonly #server: net.Server;
  readonly #conns: (Conn | null)[] = [];
  #wake: (() => void) | undefined;

  constructor(server: net.Server, event: string, hostname: string) {
    this.#server = server;
    server.on(event, (socket: net.Socket) => this.#take(new Conn(socket)));
    server.on("tlsClientError", () => {});
    // Tests ask for the port before this turn is over.
    const port = freePorts.shift();
    if (port === undefined) throw new Error("there is no free port left");
    server.listen(port, hostname);
    this.addr = { hostname, port };
  }

  async accept(): Promise<Conn> {
    for (;;) {
      const conn = this.#conns.shift();
      if (conn) return conn;
      if (conn === null) throw new BadResource("it is closed");
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): void {
    this.#server.close();
    this.#conns.push(null);
    this.#wake?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Conn> {
    for (;;) {
      try {
        yield await this.accept();
      } catch (error) {
        if (error instanceof BadResource) return;
        throw error;
      }
    }
  }

  #take(conn: Conn): void {
    this.#conns.push(conn);
    this.#wake?.();
  }
}

/**
 * Ports that were free a moment ago: `node:net` tells the port of a listener only later. They lie below
 * those that the system gives to clients.
 */
const freePorts: number[] = await findPorts(100);

async function findPorts(count: number): Promise<number[]> {
  const first = 20_000 + Math.floor(Math.random() * 10_000), found: number[] = [];
  for (let port = first; found.length < count; port++) if (await isFree(port)) found.push(port);
  return found;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function print(line: string): void {
  fs.writeSync(1, `${line}\n`);
}

type TestFunction = (context: { step: typeof step }) => unknown;

const tests: { name: string; fn: TestFunction }[] = [];

async function step(
  nameOrStep: string | { name: string; fn: TestFunction },
  fn?: TestFunction,
): Promise<boolean> {
  const it = typeof nameOrStep === "string" ? { name: nameOrStep, fn: fn! } : nameOrStep;
  await it.fn({ step });
  return true;
}

/** Runs what was registered, prints a line for each and last `N passed, N failed`. */
async function runTests(leftOut: readonly string[]): Promise<void> {
  let passed = 0, failed = 0;
  for (const { name, fn } of tests) {
    if (leftOut.includes(name)) continue;
    const before = openSockets();
    try {
      await fn({ step });
      await untilGone(before);
      passed++;
      print(`ok ${name}`);
    } catch (error) {
      failed++;
      print(`FAILED ${name}\n${inspect(error)}`);
    }
  }
  const strange = leftOut.filter((name) => !tests.some((test) => test.name === name));
  for (const name of strange) print(`FAILED there is no test "${name}" to be left out`);
  print(`${passed} passed, ${failed + strange.length} failed`);
  process.exit(failed + strange.length === 0 ? 0 : 1);
}

function openSockets(): number {
  return (process.getActiveResourcesInfo?.() ?? [])
    .filter((kind) => /^(?:TCP|TLS)/.test(kind)).length;
}

/** Waits until a test has left no socket behind. */
async function untilGone(before: number): Promise<void> {
  for (const end = performance.now() + 2_000; openSockets() > before;) {
    if (performance.now() > end) {
      throw new Error(`it leaves ${openSockets() - before} sockets open`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function openSync(path: string, options: { create?: boolean; append?: boolean } = {}) {
  const file = fs.openSync(path, options.append ? "a" : "r");
  const close = () => fs.closeSync(file);
  return {
    writeSync: (bytes: Uint8Array) => fs.writeSync(file, bytes),
    readSync(memory: Uint8Array): number | null {
      return fs.readSync(file, memory, 0, memory.length, null) || null;
    },
    close,
    [Symbol.dispose]: close,
  };
}

/** Stands for `Deno`. */
export const standIn = {
  errors: {
    BadResource,
    ConnectionRefused,
    InvalidData: AnyError,
    NotCapable,
    NotFound,
    PermissionDenied,
    UnexpectedEof: InvalidData,
  },
  args: process.argv.slice(2),
  env: { get: (name: string) => process.env[name] },
  get ppid() {
    return process.ppid;
  },
  exit: (code: number) => process.exit(code),
  addSignalListener: (name: NodeJS.Signals, listener: () => void) =>
    void process.on(name, listener),
  inspect,
  stdout: { writeSync: (bytes: Uint8Array) => fs.writeSync(1, bytes), isTerminal: () => false },
  stderr: { writeSync: (bytes: Uint8Array) => fs.writeSync(2, bytes), isTerminal: () => false },
  openSync,
  runTests,
  test(nameOrTest: string | { name: string; fn: TestFunction }, fn?: TestFunction): void {
    tests.push(typeof nameOrTest === "string" ? { name: nameOrTest, fn: fn! } : nameOrTest);
  },
  async connect({ hostname, port, signal }: {
    hostname: string;
    port: number;
    signal?: AbortSignal;
  }): Promise<Conn> {
    const socket = net.connect({ host: hostname, port, allowHalfOpen: true, noDelay: true });
    const abort = () => socket.destroy(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve).once("error", reject);
      });
    } finally {
      signal?.removeEventListener("abort", abort);
    }
    return new Conn(socket);
  },
  listen: ({ hostname }: { hostname: string }) =>
    new Listener(net.createServer({ noDelay: true }), "connection", hostname),
  listenTls: ({ hostname, cert, key }: { hostname: string; cert: string; key: string }) =>
    new Listener(tls.createServer({ cert, key }), "secureConnection", hostname),
};
