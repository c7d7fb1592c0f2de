// Where JSR can be reached, these tests compare the stand-ins with the packages that they stand in
// for; elsewhere `@std` is the stand-in itself, and the expectations are those of the real one.
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as realBytes from "@std/bytes";
import * as realLog from "@std/log";
import { getLogger as realGetLogger } from "@std/log/get-logger";
import * as realStreams from "@std/streams";
import * as standInBytes from "../.ci/offline/std/bytes/mod.ts";
import { getLogger as standInGetLogger } from "../.ci/offline/std/log/get_logger.ts";
import * as standInLog from "../.ci/offline/std/log/mod.ts";
import * as standInStreams from "../.ci/offline/std/streams/mod.ts";
import { collectRegistryFiles, fingerprint, writeRegistry } from "../.ci/offline/registry.ts";

const STAND_INS = new URL("../.ci/offline/std/", import.meta.url);

const BYTES: [name: string, module: typeof standInBytes][] = [
  ["real", realBytes],
  ["stand-in", standInBytes],
];

for (const [name, bytes] of BYTES) {
  Deno.test(`@std/bytes, ${name} - arrays are joined and compared`, () => {
    const joined = bytes.concat([new Uint8Array([1]), new Uint8Array(), new Uint8Array([2, 3])]);
    assertEquals(joined, new Uint8Array([1, 2, 3]));
    assert(bytes.equals(joined.subarray(1), new Uint8Array([2, 3])));
    assert(!bytes.equals(joined, new Uint8Array([1, 2, 4])));
    assert(!bytes.equals(joined, new Uint8Array([1, 2])));
  });
}

const STREAMS: [name: string, module: typeof standInStreams][] = [
  ["real", realStreams],
  ["stand-in", standInStreams],
];

for (const [name, streams] of STREAMS) {
  Deno.test(`@std/streams, ${name} - streams are limited, sliced and collected`, async () => {
    const source = () =>
      ReadableStream.from([1, 3, 5].map((first) => new Uint8Array([first, first + 1])));
    const limited = (options?: { error?: boolean }) =>
      source().pipeThrough(new streams.LimitedBytesTransformStream(5, options));
    assertEquals(await streams.toBytes(limited()), new Uint8Array([1, 2, 3, 4]));
    await assertRejects(() => streams.toBytes(limited({ error: true })), RangeError, "'5'");
    const sliced = source().pipeThrough(new streams.ByteSliceStream(1, 3));
    assertEquals(await streams.toArrayBuffer(sliced), new Uint8Array([2, 3, 4]).buffer);
    assertThrows(() => new streams.ByteSliceStream(-1), RangeError);
    const lines = (options?: { allowCR?: boolean }) =>
      Array.fromAsync(
        ReadableStream.from(["a", "b\r", "\n\nc\rd", "\ne"])
          .pipeThrough(new streams.TextLineStream(options)),
      );
    assertEquals(await lines(), ["ab", "", "c\rd", "e"]);
    assertEquals(await lines({ allowCR: true }), ["ab", "", "c", "d", "e"]);
  });
}

// Classes with private members have no type in common, so the stand-in is taken for the real one.
const LOGS: [name: string, module: typeof realLog, getLogger: unknown][] = [
  ["real", realLog, realGetLogger],
  ["stand-in", standInLog as unknown as typeof realLog, standInGetLogger],
];

for (const [name, log, subpathGetLogger] of LOGS) {
  const { getLogger } = log;

  Deno.test(`@std/log, ${name} - a logger is silent until setup, which replaces the table`, () => {
    const lines: string[] = [];
    class Lines extends log.BaseHandler {
      override log(line: string): void {
        lines.push(line);
      }
    }
    assert(getLogger === subpathGetLogger);
    const early = getLogger("rocketmq");
    assertEquals([early.levelName, early.handlers.length], ["NOTSET", 0]);
    assert(getLogger("rocketmq") === early);
    early.error("nobody hears it");
    const formatter = ({ levelName, loggerName, msg, args }: realLog.LogRecord) =>
      `${levelName} ${loggerName} ${msg} ${JSON.stringify(args)}`;
    log.setup({
      handlers: { lines: new Lines("DEBUG", { formatter }), high: new Lines("ERROR") },
      loggers: { rocketmq: { level: "INFO", handlers: ["lines", "high", "unknown"] } },
    });
    getLogger("rocketmq").debug("too low");
    getLogger("rocketmq").warn("slow", { ms: 5 });
    getLogger("rocketmq").error(new RangeError("broken").message);
    early.error("still silent");
    log.setup({});
    getLogger("rocketmq").error("silent again");
    assertEquals(lines, [
      `WARN rocketmq slow [{"ms":5}]`,
      `ERROR rocketmq broken []`,
      `ERROR broken`,
    ]);
  });

  Deno.test(`@std/log, ${name} - levels have numbers and the console has colours`, () => {
    const texts: string[] = [];
    class Plain extends log.ConsoleHandler {
      override log(text: string): void {
        texts.push(text);
      }
    }
    const handler = new Plain("WARN", { useColors: false });
    log.setup({
      handlers: { plain: handler, colored: new Plain("ERROR") },
      loggers: { rocketmq: { level: "DEBUG", handlers: ["plain", "colored"] } },
    });
    getLogger("rocketmq").info("low");
    getLogger("rocketmq").warn("m");
    handler.levelName = "CRITICAL";
    getLogger("rocketmq").error("n");
    log.setup({});
    const red = Deno.noColor ? "ERROR n" : "\x1b[31mERROR n\x1b[39m";
    assertEquals(texts, ["WARN m", red]);
    assertEquals([handler.level, log.getLevelByName("INFO"), log.getLevelName(10)], [
      50,
      20,
      "DEBUG",
    ]);
  });
}

Deno.test("registry of the stand-ins - Deno imports from it by a file URL", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const registry = new URL(`file://${folder}/`);
    await writeRegistry(await collectRegistryFiles(STAND_INS), registry);
    const code = `import { concat } from "jsr:@std/bytes@^1.0.6/concat";
      import { assertEquals } from "jsr:@std/assert@^1.0.19";
      import { getLogger } from "jsr:@std/log@^0.224.14/get-logger";
      import { toBytes } from "jsr:@std/streams@^1.1.2";
      assertEquals([concat([]).length, getLogger("a").levelName, toBytes.length], [0, "NOTSET", 1]);`;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", code],
      env: { JSR_URL: registry.href },
    }).output();
    assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("registry of the stand-ins - its fingerprint changes with any file", async () => {
  const files = await collectRegistryFiles(STAND_INS);
  const before = await fingerprint(files);
  assertEquals(await fingerprint(await collectRegistryFiles(STAND_INS)), before);
  files.set("@std/bytes/1.0.6/concat.ts", new TextEncoder().encode("changed"));
  assert(await fingerprint(files) !== before);
});
