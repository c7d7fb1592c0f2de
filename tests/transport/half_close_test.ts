import { assert, assertEquals, assertLess } from "@std/assert";
import net from "node:net";
import { dialWire } from "../../src/transport/mod.ts";
import * as node from "../../src/transport/node_dialer.ts";
import { delay } from "../support/delay.ts";
import { eventually } from "../support/progress.ts";

/*
  How a runtime's own sockets and those of `node:net` end one direction, and how they hold a sender
  back. The peer is made of `node:net`, which Deno, Node.js and Bun all have.
*/

/** More than all that sockets and systems keep between two programs. */
const MUCH = 64 * 1024 * 1024;

const CHUNK = new Uint8Array(64 * 1024).fill(7);

/** A peer that reads only when it is told to. */
interface Peer extends AsyncDisposable {
  readonly port: number;
  /** The connection of its client. */
  readonly socket: Promise<net.Socket>;
}

async function startPeer(): Promise<Peer> {
  const { promise: socket, resolve } = Promise.withResolvers<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, resolve);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as net.AddressInfo).port,
    socket,
    async [Symbol.asyncDispose]() {
      (await socket).destroy();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

/** Takes all that comes until the end; gives how many bytes it was so far. */
function takeAll(socket: net.Socket): { count: number; hasEnded: boolean } {
  const taken = { count: 0, hasEnded: false };
  socket.on("data", (bytes) => taken.count += bytes.length);
  socket.on("end", () => taken.hasEnded = true);
  socket.resume();
  return taken;
}

const options = () => ({ signal: new AbortController().signal });

for (const [name, dial] of [["sockets", dialWire], ["node:net", node.dialWire]] as const) {
  Deno.test(`${name} - a peer that has ended its direction still gets what is written`, async () => {
    await using peer = await startPeer();
    const wire = await dial("127.0.0.1", peer.port, options());
    const socket = await peer.socket, taken = takeAll(socket);
    socket.end("goodbye");

    assertEquals(new TextDecoder().decode(await wire.read()), "goodbye");
    assertEquals(await wire.read(), undefined);
    await wire.write(CHUNK.slice());
    assert(await eventually(() => taken.count === CHUNK.length, 5_000));
    assertEquals(taken.hasEnded, false);
    wire.close();
  });

  Deno.test(`${name} - a write waits while the peer does not read, and goes on when it does`, async () => {
    await using peer = await startPeer();
    const wire = await dial("127.0.0.1", peer.port, options());
    const socket = await peer.socket;
    let written = 0;
    const writing = (async () => {
      while (written < MUCH) {
        await wire.write(CHUNK.slice());
        written += CHUNK.length;
      }
    })();
    await settled(() => written);
    assertLess(written, MUCH, "nothing held the writer back");

    const taken = takeAll(socket);
    await writing;
    assert(await eventually(() => taken.count === MUCH, 10_000));
    wire.close();
  });

  Deno.test(`${name} - what nobody reads holds the peer back, and is not kept here`, async () => {
    await using peer = await startPeer();
    const wire = await dial("127.0.0.1", peer.port, options());
    const socket = await peer.socket;
    let sent = 0;
    const sending = (async () => {
      while (sent < MUCH) {
        await new Promise<void>((done) => socket.write(CHUNK.slice(), () => done()));
        sent += CHUNK.length;
      }
    })();
    await settled(() => sent);
    assertLess(sent, MUCH, "nothing held the peer back");

    for (let count = 0; count < MUCH;) count += (await wire.read())!.length;
    await sending;
    wire.close();
  });
}

Deno.test("node:net - what the peer sends after this side has ended arrives, and its end", async () => {
  await using peer = await startPeer();
  const { readable, writable, close } = await node.dialTcp("127.0.0.1", peer.port, options());
  const socket = await peer.socket, taken = takeAll(socket);
  const writer = writable.getWriter();
  await writer.write(CHUNK.slice());
  await writer.close();
  assert(await eventually(() => taken.hasEnded, 5_000), "the end did not arrive");
  assertEquals(taken.count, CHUNK.length);

  socket.end(CHUNK.slice());
  let count = 0;
  for await (const bytes of readable) count += bytes.length;
  assertEquals(count, CHUNK.length);
  close();
});

/** Waits until a number has stayed as it is for a moment. */
async function settled(count: () => number): Promise<void> {
  for (let last = -1; last !== count();) {
    last = count();
    await delay(300);
  }
}
