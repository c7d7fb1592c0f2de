import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertRejects,
} from "@std/assert";
import { delay } from "../support/delay.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { eventually } from "../support/progress.ts";

/** A server that gives everything back, and counts the connections that ended in an error. */
class Echo implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #work: Promise<void>[] = [];
  readonly #serving = this.#serve();
  received = 0;
  ends: ("closed" | "reset")[] = [];

  get address(): string {
    return `127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    await Promise.all(this.#work);
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) this.#work.push(this.#echo(connection));
  }

  async #echo(connection: Deno.Conn): Promise<void> {
    try {
      for await (const bytes of connection.readable) {
        this.received += bytes.length;
        for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
      }
      this.ends.push("closed");
    } catch {
      this.ends.push("reset");
    } finally {
      try {
        connection.close();
      } catch {
        // the end of its stream has closed it
      }
    }
  }
}

function testProxy(
  name: string,
  fn: (proxy: FaultProxy, dial: () => Promise<Deno.TcpConn>, echo: Echo) => Promise<void>,
): void {
  Deno.test(`FaultProxy - ${name}`, async () => {
    await using echo = new Echo();
    await using proxy = await FaultProxy.start({ target: echo.address });
    const port = Number(proxy.address.split(":")[1]);
    const open: Deno.Conn[] = [];
    try {
      await fn(
        proxy,
        async () => {
          const connection = await Deno.connect({ hostname: "127.0.0.1", port });
          open.push(connection);
          return connection;
        },
        echo,
      );
    } finally {
      for (const connection of open) connection.close();
    }
  });
}

async function exchange(connection: Deno.Conn, length: number): Promise<number[]> {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  const writing = (async () => {
    for (let at = 0; at < length;) at += await connection.write(bytes.subarray(at));
  })();
  const read = await readAll(connection, length);
  await writing;
  assertEquals(read.bytes, bytes);
  return read.pieces;
}

async function readAll(
  connection: Deno.Conn,
  length: number,
): Promise<{ bytes: Uint8Array; pieces: number[] }> {
  const bytes = new Uint8Array(length), pieces: number[] = [];
  for (let at = 0; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) throw new Error(`Cannot read: the stream ended after ${at} bytes`);
    pieces.push(count);
    at += count;
  }
  return { bytes, pieces };
}

/** How long something takes, in milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Timers may fire a little early. */
const TOLERANCE = 5;

testProxy("passes everything on, also more than it holds", async (proxy, dial) => {
  const [first, second] = [await dial(), await dial()];
  await Promise.all([exchange(first, 60_000), exchange(second, 60_000)]);
  assertEquals(proxy.connections, 2);
});

testProxy(
  "latency and jitter make every byte late, each direction for itself",
  async (proxy, dial) => {
    const connection = await dial();
    await exchange(connection, 10);
    proxy.impair({ toServer: { latency: 100 } });
    assertGreaterOrEqual(await timed(() => exchange(connection, 10)), 100 - TOLERANCE);
    proxy.impair({ toServer: { latency: 60, jitter: 40 }, toClient: { latency: 60 } });
    assertGreaterOrEqual(await timed(() => exchange(connection, 10)), 120 - TOLERANCE);
  },
);

testProxy("latency does not make a connection thinner", async (proxy, dial) => {
  const connection = await dial();
  proxy.impair({ toServer: { latency: 300 } });
  const writes = async () => {
    for (let i = 0; i < 5; i++) {
      await connection.write(new Uint8Array(10));
      await delay(20);
    }
    await readAll(connection, 50);
  };
  const took = await timed(writes);
  assert(took < 5 * 300, `It took ${took} ms: the pieces waited for each other`);
});

testProxy("bandwidth lets only so many bytes through in a second", async (proxy, dial) => {
  const connection = await dial();
  proxy.impair({ toClient: { bandwidth: 50_000 } });
  assertGreaterOrEqual(await timed(() => exchange(connection, 10_000)), 200 - TOLERANCE);
});

testProxy("slices are small pieces of the same bytes", async (proxy, dial) => {
  const connection = await dial();
  proxy.impair({ toServer: { slice: 7 }, toClient: { slice: 3 } });
  assertGreater((await exchange(connection, 90)).length, 3);
});

testProxy("one that hangs holds back what comes, until it is mended", async (proxy, dial, echo) => {
  const connection = await dial();
  await exchange(connection, 10);
  proxy.impair({ toServer: { hang: true } });
  const late = await dial(); // is accepted all the same
  await connection.write(new Uint8Array(20));
  await late.write(new Uint8Array(20));
  await delay(100);
  assertEquals(echo.received, 10);
  proxy.mend();
  await readAll(connection, 20);
  await readAll(late, 20);
});

testProxy("hangs in the middle of what is on its way", async (proxy, dial) => {
  const connection = await dial();
  proxy.impair({ toClient: { bandwidth: 2_000 } });
  await connection.write(new Uint8Array(1_000));
  await connection.read(new Uint8Array(1));
  proxy.impair({ toClient: { hang: true } });
  let isThrough = false;
  const rest = readAll(connection, 999).then(() => isThrough = true);
  await delay(100);
  assertEquals(isThrough, false);
  proxy.mend();
  await rest;
});

testProxy(
  "reset ends both sides with an error, and the next connection is fine",
  async (proxy, dial, echo) => {
    const connection = await dial();
    await exchange(connection, 10);
    proxy.reset();
    await assertRejects(() => readAll(connection, 1), Deno.errors.ConnectionReset);
    assert(await eventually(() => echo.ends.length === 1, 5_000));
    assertEquals(echo.ends, ["reset"]);
    assertEquals(proxy.connections, 0);
    await exchange(await dial(), 10);
  },
);

testProxy("a limit cuts the bytes there, in the one direction", async (proxy, dial, echo) => {
  const connection = await dial();
  proxy.impair({ toServer: { limit: 25 } });
  await exchange(connection, 20);
  await connection.write(new Uint8Array(20));
  await assertRejects(() => readAll(connection, 20), Deno.errors.ConnectionReset);
  assertEquals(echo.received, 25);

  proxy.impair({ toClient: { limit: 25 } });
  const other = await dial();
  await other.write(new Uint8Array(40));
  assertEquals((await readAll(other, 25)).bytes.length, 25);
  await assertRejects(() => readAll(other, 1), Deno.errors.ConnectionReset);
  assertEquals(echo.received, 65);
});

testProxy(
  "refuses new connections, keeps the old ones, and takes new ones again",
  async (proxy, dial) => {
    const connection = await dial();
    await exchange(connection, 10);
    proxy.refuse();
    await assertRejects(dial, Deno.errors.ConnectionRefused);
    await exchange(connection, 10);
    await proxy.accept();
    await exchange(await dial(), 10);
  },
);

testProxy("a slow close passes the end on late", async (proxy, dial, echo) => {
  const connection = await dial();
  await exchange(connection, 10);
  proxy.impair({ toServer: { slowClose: 150 } });
  const took = await timed(async () => {
    await connection.closeWrite();
    await eventually(() => echo.ends.length === 1, 5_000, 5);
  });
  assertGreaterOrEqual(took, 150 - TOLERANCE);
  assertEquals(echo.ends, ["closed"]);
});

Deno.test("FaultProxy - a server that is not there resets the client", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await using proxy = await FaultProxy.start({ target: `127.0.0.1:${port}` });
  const own = Number(proxy.address.split(":")[1]);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: own });
  await assertRejects(() => readAll(connection, 1), Deno.errors.ConnectionReset);
});
