import { assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import {
  createUniqueKey,
  InvalidArgumentError,
  MessageDecodeError,
  monthStart,
  nextMonthStart,
  parseUniqueKey,
  UniqueKeyGenerator,
} from "../../src/message/internal.ts";
import { createRandom, readVectors } from "./fixtures.ts";

interface CreateInput {
  ip: string;
  pid: number;
  classLoaderHash: number;
  startTime: number;
  currentTime: number;
  counter: number;
}

Deno.test("createUniqueKey() - makes the official keys, and they read back", () => {
  for (
    const { name, input, expected } of readVectors<CreateInput, { id: string; pid: number }>(
      "unique-key",
      "create",
    )
  ) {
    const { ip, pid, classLoaderHash, ...rest } = input;
    const key = createUniqueKey({
      ...rest,
      address: ip,
      processId: pid,
      instance: classLoaderHash,
    });
    assertEquals(key, expected.id, name);
    const parsed = parseUniqueKey(key);
    assertEquals([parsed.address, parsed.processId], [ip, expected.pid], name);
    assertEquals(parsed.instance, classLoaderHash >>> 0, name);
    assertEquals(parsed.counter, input.counter & 0xffff, name);
  }
});

Deno.test("parseUniqueKey() - reads what the Java library reads and refuses the rest", () => {
  for (
    const { name, input, expected } of readVectors<{ id: string }, { ip: string; pid: number }>(
      "unique-key",
      "parse",
    )
  ) {
    const { address, processId } = parseUniqueKey(input.id);
    assertEquals({ ip: address, pid: processId }, expected, name);
  }
  for (const key of ["", "7F00", "x".repeat(32), "7F00000104D25FFD2B276FB73D9B001F0"]) {
    assertThrows(() => parseUniqueKey(key), MessageDecodeError, "Cannot decode unique key");
  }
});

Deno.test("monthStart() - is the official one in every time zone", () => {
  const zone = Deno.env.get("TZ");
  try {
    for (
      const { name, input, expected } of readVectors<
        { zone: string; time: number },
        { startTime: number; nextStartTime: number }
      >("unique-key", "monthStart")
    ) {
      Deno.env.set("TZ", input.zone);
      assertEquals(monthStart(input.time), expected.startTime, name);
      assertEquals(nextMonthStart(input.time), expected.nextStartTime, name);
    }
  } finally {
    if (zone === undefined) Deno.env.delete("TZ");
    else Deno.env.set("TZ", zone);
  }
});

/** A generator on a clock that the test moves. */
function createGenerator(
  options: { address?: string; processId?: number; instance?: number } = {},
) {
  const clock = { time: monthStart(Date.UTC(2026, 10, 15)) + 5000, seed: createRandom(1) };
  const generator = new UniqueKeyGenerator({
    ...options,
    clock: { now: () => clock.time, random: () => clock.seed() },
  });
  return { clock, generator };
}

Deno.test("UniqueKeyGenerator - keys have the official layout", () => {
  const { clock, generator } = createGenerator({
    address: "10.1.2.3",
    processId: 0x1_abcd,
    instance: 0xdeadbeef,
  });
  assertEquals(generator.next(), "0A010203ABCDDEADBEEF000013880000");
  assertEquals(generator.next(), "0A010203ABCDDEADBEEF000013880001");
  clock.time += 0.75;
  assertEquals(generator.next(), "0A010203ABCDDEADBEEF000013880002");
  clock.time += 0.5;
  assertEquals(generator.next(), "0A010203ABCDDEADBEEF000013890003");
  const ipv6 = createGenerator({ address: "2001:db8::2", processId: 1, instance: 2 }).generator;
  assertEquals(ipv6.next(), "20010DB8000000000000000000000002000100000002000013880000");
  assertThrows(() => createGenerator({ address: "localhost" }), InvalidArgumentError, "localhost");
});

Deno.test("UniqueKeyGenerator - without an address the keys of two generators still differ", () => {
  const random = createRandom(7), clock = { now: () => 1_700_000_000_000, random };
  const one = new UniqueKeyGenerator({ clock }), other = new UniqueKeyGenerator({ clock });
  const key = one.next(), otherKey = other.next();
  assertMatch(key, /^7F[0-9A-F]{30}$/);
  assertNotEquals(key.slice(0, 8), otherKey.slice(0, 8), "address");
  assertNotEquals(key.slice(8, 12), otherKey.slice(8, 12), "process");
  assertNotEquals(key.slice(12, 20), otherKey.slice(12, 20), "instance");
});

Deno.test("UniqueKeyGenerator - never repeats while the clock stands still or goes back", () => {
  const { clock, generator } = createGenerator();
  const seen = new Set<string>();
  for (let i = 0; i < 150_000; i++) {
    if (i === 10) clock.time -= 3000;
    if (i === 100_000) clock.time += 1;
    seen.add(generator.next());
  }
  assertEquals(seen.size, 150_000);
});

Deno.test("UniqueKeyGenerator - the time starts again with the month", () => {
  const { clock, generator } = createGenerator();
  clock.time = nextMonthStart(clock.time) - 1;
  const length = clock.time - monthStart(clock.time);
  assertEquals(parseUniqueKey(generator.next()).timeInMonth, length);
  clock.time += 1;
  assertEquals(parseUniqueKey(generator.next()).timeInMonth, 0);
  clock.time += 30 * 24 * 3600 * 1000;
  assertEquals(parseUniqueKey(generator.next()).timeInMonth, clock.time - monthStart(clock.time));
});
