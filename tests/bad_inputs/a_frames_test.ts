import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { encodeCommand, type RemotingCommand } from "../../src/remoting/mod.ts";
import { command, concat, frameOf, hex, utf8, words } from "../remoting/frames.ts";
import { collectGarbage } from "../support/collect_garbage.ts";
import { settle } from "../support/fake_clock.ts";
import { ask, assertFails, open, type Opened } from "../transport/harness.ts";

/*
  What a server may send, row by row: bytes that end the connection, with the reason that the error
  of a waiting request gives, and bytes that it survives, with the answer that the request then gets.
*/

const LIMIT = 16 * 1024 * 1024;

const PROTOTYPE_NAMES = '{"__proto__":"a","constructor":"b","toString":"c","hasOwnProperty":"d"}';

/** Rows after which the connection is closed and what waits on it fails at once. */
const CLOSED:
  readonly (readonly [row: string, what: string, bytes: () => Uint8Array, says: string])[] = [
    ["A1", "a length of 0", () => words(0), "length"],
    ["A2", "a length of 1", () => words(1), "length"],
    ["A2", "a length of 2", () => words(2), "length"],
    ["A2", "a length of 3", () => words(3), "length"],
    ["A3", "a length of -1", () => words(-1), "length"],
    ["A4", "a length of 2 GiB and then silence", () => words(0x7fff_ffff), "length"],
    ["A6", "a length of the limit and one more", () => words(LIMIT - 4 + 1), "16777212"],
    ["A7", "HTTP", () => utf8("HTTP/1.1 400 Bad Request\r\n"), "HTTP"],
    ["A8", "a TLS alert", () => hex("15 03 03 00 02 02 28"), "TLS"],
    ["A8", "a TLS ServerHello", () => hex("16 03 03 00 7a 02 00 00 76 03 03"), "TLS"],
    ["A9", "a header longer than its frame", () => words(20, 100, 0, 0, 0, 0), "header"],
    ["A10", "a header of length 0 before a body", () => frameOf("", { body: utf8("x") }), "header"],
    ["A11", "header form 2", () => frameOf("{}", { type: 2 }), "2"],
    ["A11", "header form 127", () => frameOf("{}", { type: 0x7f }), "127"],
    ["A11", "header form 255", () => frameOf("{}", { type: 0xff }), "255"],
    ["A12", "a header that is cut off", () => frameOf('{"code":0,"opaque":1,"extFi'), "JSON"],
    ["A12", "a header followed by garbage", () => frameOf(json({}) + "garbage"), "JSON"],
    ["A13", "a header that is null", () => frameOf("null"), "object"],
    ["A13", "a header that is a list", () => frameOf("[]"), "object"],
    ["A13", "a header that is a text", () => frameOf('"x"'), "object"],
    ["A13", "a header that is a number", () => frameOf("1"), "object"],
    ["A14", "a header that is not UTF-8", () => frameOf(Uint8Array.of(0x7b, 0xff, 0x7d)), "UTF-8"],
    ["A15", "a header nested 100,000 deep", () => frameOf("[".repeat(100_000)), ""],
    ["A18", "no code", () => frameOf('{"opaque":1,"flag":1}'), "code"],
    ["A18", "a code that is a text", () => frameOf(json({ code: "0" })), "code"],
    ["A18", "a code of 1.5", () => frameOf(json({ code: 1.5 })), "code"],
    ["A18", "a code of 1e30", () => frameOf(json({ code: 1e30 })), "code"],
    ["A19", "no opaque", () => frameOf('{"code":0,"flag":1}'), "opaque"],
    ["A19", "an opaque that is a text", () => frameOf(json({ opaque: "1" })), "opaque"],
    ["A19", "an opaque of 2^31", () => frameOf(json({ opaque: 2 ** 31 })), "opaque"],
    ["A21", "objects in extFields", () => frameOf(json({ extFields: { a: {} } })), "extFields"],
    ["A21", "extFields that are a list", () => frameOf(json({ extFields: [] })), "extFields"],
    ["A22", "a key of length -1", () => binary({ extFields: hex("ff ff 61") }), ""],
    ["A22", "a value of length -1", () => binary({ extFields: hex("00 01 61 ff ff ff ff") }), ""],
    ["A23", "extFields longer than the header", () => binary({ extFieldsLength: 1_000 }), ""],
    ["A24", "a remark longer than the header", () => binary({ remarkLength: 1_000 }), ""],
    ["A25", "4,097 extFields", () => frameOf(json({ extFields: fields(4_097) })), "4096"],
  ];

for (const [row, what, bytes, says] of CLOSED) {
  Deno.test(`${row} - ${what}: the connection is closed`, async () => {
    const { connection, remote } = open();
    const waiting = connection.request(ask("waits"), { timeout: 10_000 });
    const failed = assertFails(waiting, "CONNECTION_LOST", true, "10.0.0.1:10911", says);
    await settle();
    remote.send(bytes());
    await failed;
    assertEquals((await connection.closed).by, "fault");
    assertEquals(connection.stats().inFlight, 0);
  });
}

/** Rows that the connection survives: the request that waits gets the answer that follows. */
const SURVIVED: readonly (readonly [
  row: string,
  what: string,
  answer: (opaque: number) => Uint8Array,
  expected: Partial<RemotingCommand>,
])[] = [
  ["A5", "a frame of exactly 16 MiB", largest, {}],
  [
    "A16",
    "names of Object.prototype",
    (opaque) => frameOf(`{"code":0,"flag":1,"opaque":${opaque},"extFields":${PROTOTYPE_NAMES}}`),
    { extFields: JSON.parse(PROTOTYPE_NAMES) },
  ],
  [
    "A17",
    "a name that comes twice",
    (opaque) => frameOf(`{"code":1,"code":0,"flag":1,"opaque":${opaque}}`),
    { code: 0 },
  ],
  [
    "A20",
    "flag bits that nobody knows",
    (opaque) => frameOf(json({ opaque, flag: 0x7fff_fff1 })),
    { flag: 0x7fff_fff1 },
  ],
  [
    "A21",
    "numbers and nulls in extFields",
    (opaque) => frameOf(json({ opaque, extFields: { a: 1, b: null, c: "x" } })),
    { extFields: { a: "1", c: "x" } },
  ],
  [
    "A25",
    "4,096 extFields",
    (opaque) => frameOf(json({ opaque, extFields: fields(4_096) })),
    { extFields: fields(4_096) },
  ],
  [
    "A29",
    "a response whose code is that of a request",
    (opaque) => frameOf(json({ opaque, code: 39 })),
    { code: 39 },
  ],
];

for (const [row, what, answer, expected] of SURVIVED) {
  Deno.test(`${row} - ${what}: taken`, async () => {
    const opened = open();
    const waiting = opened.connection.request(ask("waits"), { timeout: 10_000 });
    await settle();
    opened.remote.send(answer(opened.remote.requests[0]!.opaque));
    const response = await waiting;
    for (const [name, value] of Object.entries(expected)) {
      assertEquals(response[name as keyof RemotingCommand], value);
    }
    assert(opened.connection.isOpen);
    assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
    opened.connection.close();
  });
}

// Row A26 counts only answers beyond the requests that this client itself abandoned: those that timed
// out, were aborted or are one-way. tests/transport/late_answers_test.ts is about these.
Deno.test("A26 - answers that fit no request: ignored, and after 100 in a row closed", async () => {
  const { connection, remote } = open();
  for (let i = 0; i < 99; i++) remote.send(frameOf(json({ opaque: 50_000 + i })));
  await assertAnswered({ connection, remote });
  for (let i = 0; i < 100; i++) remote.send(frameOf(json({ opaque: 50_000 + i })));
  assertStringIncludes((await connection.closed).reason, "100 responses in a row");
});

Deno.test("A27 - an answer to a request of another connection: ignored", async () => {
  const one = open(), other = open();
  const waiting = one.connection.request(ask("waits"), { timeout: 10_000 });
  await settle();
  const request = one.remote.requests[0]!;
  other.remote.respond(request);
  await settle();
  assertEquals(one.connection.stats().inFlight, 1);
  assertEquals(other.connection.stats().unmatchedResponses, 1);
  one.remote.respond(request);
  await waiting;
  one.connection.close();
  other.connection.close();
});

Deno.test("A28 - a second answer to the same request: ignored", async () => {
  const { connection, remote } = open();
  const waiting = connection.request(ask("waits"), { timeout: 10_000 });
  await settle();
  remote.respond(remote.requests[0]!, { remark: "first" });
  remote.respond(remote.requests[0]!, { remark: "second" });
  assertEquals((await waiting).remark, "first");
  await settle();
  assertEquals(connection.stats().unmatchedResponses, 1);
  connection.close();
});

Deno.test("A30 - one byte for each read, and a thousand frames in one: the same answers", async () => {
  const { connection, remote } = open();
  const answersOf = async (send: (bytes: Uint8Array) => void) => {
    const first = remote.requests.length;
    const waiting = Array.from(
      { length: 1_000 },
      (_, index) => connection.request(ask(String(index)), { timeout: 10_000 }),
    );
    await settle();
    send(concat(
      remote.requests.slice(first).map(({ opaque, extFields }) =>
        encodeCommand(command({ opaque, flag: 1, remark: extFields.name! }))
      ),
    ));
    return (await Promise.all(waiting)).map(({ remark }) => remark);
  };
  const atOnce = await answersOf((bytes) => remote.send(bytes));
  const byByte = await answersOf((bytes) =>
    bytes.forEach((byte) => remote.send(Uint8Array.of(byte)))
  );
  assertEquals(atOnce.length, 1_000);
  assertEquals(atOnce, byByte);
  connection.close();
});

Deno.test("A31 - a frame that begins and then drips: closed when it is not whole after 30 s", async () => {
  const { connection, remote, clock } = open();
  remote.send(words(1_000, 900));
  await settle();
  for (let second = 0; second < 29; second++) {
    await clock.advance(1_000);
    remote.send(Uint8Array.of(0));
    await settle();
  }
  assert(connection.isOpen);
  await clock.advance(1_000);
  assertStringIncludes((await connection.closed).reason, "not whole 30000 ms after it began");
});

Deno.test("A32 - ten thousand requests of an unknown code: ignored, one warning", async () => {
  const { connection, remote, logger } = open();
  for (let i = 0; i < 10_000; i++) remote.request({ code: 4_711 });
  await assertAnswered({ connection, remote });
  assertEquals(connection.stats().unknownRequests, 10_000);
  assertEquals(logger.lines.length, 1);
  connection.close();
});

Deno.test("A33 - bytes after close(): dropped", async () => {
  const { connection, remote, logger } = open();
  connection.close();
  remote.send(words(0));
  await settle();
  assertEquals((await connection.closed).by, "local");
  assertEquals(logger.lines, []);
});

Deno.test("A34 - large frames without end that answer nothing: no more memory than for one", async () => {
  const { connection, remote } = open();
  const frame = frameOf(json({ flag: 0, code: 4_711 }), { body: new Uint8Array(1024 * 1024) });
  const before = Deno.memoryUsage().external;
  for (let i = 0; i < 64; i++) {
    remote.send(frame.subarray(0, 1_000));
    remote.send(frame.subarray(1_000));
    await settle();
    if (i % 8 === 7) collectGarbage();
  }
  const held = Deno.memoryUsage().external - before;
  assertLess(held, 2 * LIMIT, "the frames were kept");
  assertEquals(connection.stats().unknownRequests, 64);
  connection.close();
});

Deno.test("A35 - an end in the middle of a frame: what waits fails at once, as written", async () => {
  const { connection, remote } = open();
  const waiting = connection.request(ask("waits"), { timeout: 10_000 });
  const failed = assertFails(waiting, "CONNECTION_LOST", true, "30 bytes into a frame");
  await settle();
  remote.send(concat([words(1_000, 900), new Uint8Array(22)]));
  await settle();
  remote.end();
  await failed;
});

/** A header as JSON; what is not given is as in an answer. */
function json(fields: Record<string, unknown>): string {
  return JSON.stringify({ code: 0, flag: 1, opaque: 1, ...fields });
}

function fields(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`name${i}`, "x"]));
}

/** A frame of the largest size that is allowed. */
function largest(opaque: number): Uint8Array {
  const header = json({ opaque });
  return frameOf(header, { body: new Uint8Array(LIMIT - 8 - header.length) });
}

/** A frame with a header in the binary form; lengths may lie. */
function binary(
  lies: { extFields?: Uint8Array; remarkLength?: number; extFieldsLength?: number },
): Uint8Array {
  const { extFields = new Uint8Array(), remarkLength = 0 } = lies;
  const lengths = words(1, 1, remarkLength, lies.extFieldsLength ?? extFields.length);
  return frameOf(concat([hex("00 00 07 01 db"), lengths, extFields]), { type: 1 });
}

async function assertAnswered(
  { connection, remote }: Pick<Opened, "connection" | "remote">,
): Promise<void> {
  const waiting = connection.request(ask("still works"), { timeout: 10_000 });
  await settle();
  remote.respond(remote.requests.at(-1)!);
  await waiting;
}
