import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { ClientInstance, ClientOptions, Fetch } from "../../src/client/mod.ts";
import { ConnectionError, ProtocolError, RocketMQError } from "../../src/errors.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { testSecret } from "../support/secrets.ts";

const URL_WITH_SECRETS = `http://user:${
  testSecret("hunter2")
}@config.example:8080/rocketmq/nsaddr?token=${testSecret("hunter3")}`;
const SHOWN = "http://config.example:8080/rocketmq/nsaddr";
const TEN_SECONDS = { timeout: 10_000 };

/** What a URL gives, and how often it was asked. */
class ScriptedUrl {
  asked = 0;
  /** What the next answers are made by. */
  answer: (signal: AbortSignal) => Response | Promise<Response>;

  constructor(list: string) {
    this.answer = () => new Response(list);
  }

  readonly fetch: Fetch = async (url, { signal, redirect }) => {
    assertEquals([url, redirect], [URL_WITH_SECRETS, "manual"]);
    this.asked++;
    return await this.answer(signal);
  };
}

function clientOf(
  cluster: ScriptedCluster,
  url: ScriptedUrl,
  options: Partial<ClientOptions> = {},
): ClientInstance {
  const list: object = { nameServers: undefined };
  const { fetch } = url;
  return cluster.client({ ...options, ...list, nameServersUrl: URL_WITH_SECRETS, fetch });
}

function addressesOf(cluster: ScriptedCluster): string[] {
  return cluster.nameServers.map(({ address }) => address);
}

Deno.test("name server list - the first line that is not empty is the list", async () => {
  const [a, b] = ["10.0.0.1:9876", "10.0.0.2:9876"];
  for (
    const body of [
      `${a};${b}`,
      `${a};${b}\n`,
      `\r\n  \n ${a} ; ;${b};\r\nsomething else`,
      `${b};${a};${b}`,
    ]
  ) {
    await using cluster = new ScriptedCluster({ nameServers: 2 });
    cluster.network.fail(a!);
    const client = clientOf(cluster, new ScriptedUrl(body));
    await client.start([TOPIC], TEN_SECONDS);

    assertEquals(cluster.nameServers[1]!.asked(), [TOPIC], body);
  }
});

Deno.test("name server list - every two minutes it is looked at again", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 3 });
  const [first, second, third] = cluster.nameServers;
  const addresses = addressesOf(cluster);
  const url = new ScriptedUrl(addresses[0]!);
  const client = clientOf(cluster, url);
  await client.start([TOPIC], TEN_SECONDS);
  url.answer = () => new Response(`${addresses[1]};${addresses[2]}`);
  await cluster.clock.advance(119_999);
  assertEquals([url.asked, first!.open.length], [1, 1]);
  await cluster.clock.advance(1);

  assertEquals([url.asked, first!.open.length], [2, 0], "the connection to the old one is closed");
  const asked = first!.asked().length;
  await cluster.clock.advance(120_000);
  assertEquals(first!.asked().length, asked, "it is not asked any more");
  assertEquals(second!.asked().length + third!.asked().length >= 4, true);
  assertEquals(url.asked, 3);
});

Deno.test("name server list - who waits for a dropped server is answered by another", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  const [first, second] = cluster.nameServers;
  const url = new ScriptedUrl(first!.address);
  const client = clientOf(cluster, url, { nameServersPollInterval: 1_000 });
  await client.start([TOPIC], TEN_SECONDS);
  cluster.network.fail(first!.address, "silent");
  first!.cut();
  cluster.route("Other");
  await settle();
  const route = watch(client.route("Other", TEN_SECONDS));
  url.answer = () => new Response(second!.address);
  await cluster.clock.advance(1_000);

  assertEquals(route.state, "resolved");
  assertEquals(second!.asked(), ["Other"]);
  assertEquals(cluster.network.dialling, 0, "the dial of the dropped one was ended");
});

for (const [minutes, expected] of [[0.5, [0, 1]], [2, [1, 0]]] as const) {
  const order = minutes < 1 ? "behind all others" : "in its place";
  Deno.test(`name server list - one that failed ${minutes} minutes ago comes ${order}`, async () => {
    await using cluster = new ScriptedCluster({ nameServers: 3 });
    const [bad, current, fresh] = cluster.nameServers;
    const url = new ScriptedUrl(`${bad!.address};${current!.address}`);
    const client = clientOf(cluster, url, { nameServersPollInterval: 1_000 });
    cluster.network.fail(bad!.address);
    await client.start([TOPIC], TEN_SECONDS);
    cluster.network.mend(bad!.address);
    url.answer = () => new Response([current, bad, fresh].map((it) => it!.address).join(";"));
    await cluster.clock.advance(minutes * 60_000);
    cluster.network.fail(current!.address);
    current!.cut();
    cluster.route("Other");
    await settle();
    const route = watch(client.route("Other", TEN_SECONDS));
    await cluster.clock.advance(5_000);

    assertEquals(route.state, "resolved");
    const asked = [bad, fresh].map((it) => it!.asked().filter((topic) => topic === "Other").length);
    assertEquals(asked, [...expected]);
  });
}

/** Answers that are no list, or none at all, and what is told of them. */
const FAULTS: Record<string, { answer: (signal: AbortSignal) => Response; reason: string }> = {
  "an empty body": { answer: () => new Response(""), reason: "names no name server" },
  "a body of blank lines": {
    answer: () => new Response(" \n;;\n"),
    reason: "names no name server",
  },
  "a page": { answer: () => new Response("<html>hello</html>"), reason: "not host:port" },
  "an entry that is none": {
    answer: () => new Response("10.0.0.2:9876;10.0.0.2:99999"),
    reason: "port 99999",
  },
  "an entry with a path": {
    answer: () => new Response("http://10.0.0.2:9876/x"),
    reason: "not host:port",
  },
  "too many servers": {
    answer: () => new Response(Array.from({ length: 257 }, (_, i) => `h${i}:9876`).join(";")),
    reason: "at most 256",
  },
  "more than 64 KiB": {
    answer: () => new Response("\n".repeat(65_537)),
    reason: "more than 65536 bytes",
  },
  "bytes that are no text": {
    answer: () => new Response(Uint8Array.of(0xff, 0xfe)),
    reason: "not UTF-8",
  },
  "a refusal": { answer: () => new Response("no", { status: 403 }), reason: "status 403" },
  "a redirect": {
    answer: () => new Response(null, { status: 302, headers: { location: "http://evil/" } }),
    reason: "status 302: redirects are not followed",
  },
};

for (const [title, { answer, reason }] of Object.entries(FAULTS)) {
  Deno.test(`name server list - ${title} ends the start at once, without a secret`, async () => {
    await using cluster = new ScriptedCluster();
    const url = new ScriptedUrl("");
    url.answer = answer;
    const error = await assertRejects(
      () => clientOf(cluster, url).start([TOPIC], TEN_SECONDS),
      RocketMQError,
    );

    assertStringIncludes(error.message, SHOWN);
    assertStringIncludes(error.message, reason);
    assertFalse(Deno.inspect(error).includes("hunter"));
    assertEquals([error.address, error.isRetriable], [SHOWN, false]);
    assert(error instanceof ConnectionError || error instanceof ProtocolError);
  });

  Deno.test(`name server list - ${title} later leaves the old list, and is logged`, async () => {
    await using cluster = new ScriptedCluster();
    const url = new ScriptedUrl(cluster.nameServer.address);
    const client = clientOf(cluster, url);
    await client.start([TOPIC], TEN_SECONDS);
    url.answer = answer;
    await cluster.clock.advance(120_000);
    const [warning] = cluster.logger.matching("Kept the known name servers", "warn");
    await client.refreshRoute(TOPIC, TEN_SECONDS);

    assertStringIncludes(warning!, reason);
    assertFalse(JSON.stringify(cluster.logger.lines).includes("hunter"));
    assertEquals(cluster.nameServer.open.length, 1);
  });
}

Deno.test("name server list - a server that is down is asked on within the time of the start", async () => {
  await using cluster = new ScriptedCluster();
  const url = new ScriptedUrl(cluster.nameServer.address);
  const { answer } = url;
  url.answer = () => {
    throw new TypeError(
      `error sending request for url (${URL_WITH_SECRETS}): client error (Connect): tcp connect error: Connection refused (os error 111)`,
    );
  };
  const started = watch(clientOf(cluster, url).start([TOPIC], TEN_SECONDS));
  await cluster.clock.advance(2_000);
  url.answer = () => new Response("busy", { status: 503 });
  await cluster.clock.advance(2_000);
  assertEquals([started.state, url.asked], ["pending", 9]);
  url.answer = answer;
  await cluster.clock.advance(500);

  assertEquals(started.state, "resolved");
  assertFalse(JSON.stringify(cluster.logger.lines).includes("hunter"));
});

Deno.test("name server list - a server that stays down fails the start in time, with the reason", async () => {
  await using cluster = new ScriptedCluster();
  const url = new ScriptedUrl("");
  url.answer = () => {
    throw new TypeError(
      `error sending request for url (${URL_WITH_SECRETS}): client error (Connect): tcp connect error: Connection refused (os error 111)`,
    );
  };
  const started = watch(clientOf(cluster, url).start([TOPIC], TEN_SECONDS));
  await cluster.clock.advance(10_000);

  assertInstanceOf(started.error, ConnectionError);
  assertEquals([started.error.code, started.error.isRetriable], ["CONNECT_FAILED", true]);
  assertStringIncludes(started.error.message, `${SHOWN}: tcp connect error: Connection refused`);
  assertFalse(Deno.inspect(started.error).includes("hunter"));
});

Deno.test("name server list - a server that never answers fails the start in time", async () => {
  await using cluster = new ScriptedCluster();
  const url = new ScriptedUrl("");
  const aborted: unknown[] = [];
  url.answer = (signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        aborted.push(signal);
        reject(signal.reason);
      });
    });
  const started = watch(clientOf(cluster, url).start([TOPIC], { timeout: 5_000 }));
  await cluster.clock.advance(5_000);

  assertEquals((started.error as ConnectionError).code, "TIMEOUT");
  assertEquals(aborted.length, url.asked, "no request is left open");
});

Deno.test("name server list - a caller who aborts does not wait for it", async () => {
  await using cluster = new ScriptedCluster();
  const url = new ScriptedUrl("");
  url.answer = () => new Promise<Response>(() => {});
  const controller = new AbortController();
  const { signal } = controller;
  const started = watch(clientOf(cluster, url).start([TOPIC], { timeout: 5_000, signal }));
  await settle();
  controller.abort();
  await settle();

  assertEquals((started.error as ConnectionError).code, "ABORTED");
});

Deno.test("name server list - closing ends a look that is under way", async () => {
  await using cluster = new ScriptedCluster();
  const url = new ScriptedUrl(cluster.nameServer.address);
  const client = clientOf(cluster, url, { nameServersPollInterval: 1_000 });
  await client.start([TOPIC], TEN_SECONDS);
  url.answer = () => new Promise<Response>(() => {});
  await cluster.clock.advance(1_000);
  assertEquals(url.asked, 2);
  await client.close(0);
  await settle();

  assertEquals([cluster.clock.pendingTimers, cluster.logger.matching("Kept", "warn")], [0, []]);
});
