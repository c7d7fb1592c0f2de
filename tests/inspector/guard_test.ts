import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { InvalidArgumentError, serveInspector } from "../../src/testing/mod.ts";
import { ASSETS } from "../../src/testing/inspector/page/mod.ts";
import { rawRequest } from "./raw_request.ts";
import { ScriptedBrokerSource } from "./scripted_broker_source.ts";

Deno.test("inspector - every response forbids what a page of text does not need", async () => {
  await using inspector = await serveInspector({ broker: new ScriptedBrokerSource() });
  for (const path of [...ASSETS.keys(), "/nothing", "/transactions/none"]) {
    const response = await fetch(new URL(path, inspector.url));
    await response.body?.cancel();
    const policy = response.headers.get("content-security-policy") ?? "";
    assertMatch(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
    assertMatch(policy, /frame-ancestors 'none'/);
    assertMatch(policy, /require-trusted-types-for 'script'/);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    assertEquals(response.headers.get("referrer-policy"), "no-referrer");
    assertEquals(response.headers.get("cross-origin-resource-policy"), "same-origin");
    assertEquals(response.headers.get("access-control-allow-origin"), null);
    assertEquals(response.status, ASSETS.has(path) ? 200 : 404);
  }
});

Deno.test("inspector - the page brings everything along and has nothing inline", async () => {
  await using inspector = await serveInspector({ broker: new ScriptedBrokerSource() });
  const page = await (await fetch(inspector.url)).text();
  const links = [...page.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => path!);
  assertEquals(links.filter((path) => !ASSETS.has(path)), []);
  assertEquals(page.match(/<style|style=|\son\w+=|<script(?! type="module" src=)/), null);
  for (const [path, { text, type }] of ASSETS) {
    const outside = text.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)\S+/);
    assertEquals([path, outside], [path, null]);
    if (!type.startsWith("text/javascript")) continue;
    assertEquals([path, text.match(/innerHTML|outerHTML|insertAdjacentHTML|eval\(/)], [path, null]);
    const imports = [...text.matchAll(/from "\.(\/[^"]+)"/g)].map(([, module]) => module!);
    assertEquals(imports.filter((module) => !ASSETS.has(module)), []);
  }
});

Deno.test("inspector - a name that somebody's DNS gives to this machine is refused", async () => {
  await using inspector = await serveInspector({ broker: new ScriptedBrokerSource() });
  const { port } = new URL(inspector.url);
  const hosts = {
    [`127.0.0.1:${port}`]: 200,
    [`localhost:${port}`]: 200,
    [`[::1]:${port}`]: 200,
    [`attacker.example:${port}`]: 403,
    "127.0.0.1": 403,
    [`127.0.0.1.attacker.example:${port}`]: 403,
    [`localhost:${Number(port) - 1}`]: 403,
  };
  for (const [host, expected] of Object.entries(hosts)) {
    const { status } = await rawRequest(inspector.url, [
      "GET /styles.css HTTP/1.1",
      `Host: ${host}`,
    ]);
    assertEquals([host, status], [host, expected]);
  }
  const { status } = await rawRequest(inspector.url, ["GET / HTTP/1.0"]);
  assertEquals(status, 403);
});

Deno.test("inspector - only its own page may change something", async () => {
  const broker = new ScriptedBrokerSource();
  await using inspector = await serveInspector({ broker });
  const { host, origin } = new URL(inspector.url);
  const ask = async (method: string, ...headers: string[]) => {
    const lines = [`${method} /check-now HTTP/1.1`, `Host: ${host}`, ...headers];
    return (await rawRequest(inspector.url, lines)).status;
  };
  assertEquals(await ask("POST"), 403);
  assertEquals(await ask("POST", "Origin: https://attacker.example"), 403);
  assertEquals(await ask("POST", "Origin: null"), 403);
  assertEquals(await ask("POST", "Origin: http://127.0.0.1:1"), 403);
  assertEquals(await ask("POST", `Origin: ${origin}`, "Sec-Fetch-Site: cross-site"), 403);
  assertEquals(await ask("POST", `Origin: ${origin}`, "Sec-Fetch-Site: same-site"), 403);
  assertEquals(await ask("DELETE"), 403);
  assertEquals(await ask("DELETE", `Origin: ${origin}`), 405);
  assertEquals(await ask("GET"), 404);
  assertEquals(broker.checks, 0);
  assertEquals(await ask("POST", `Origin: ${origin}`, "Sec-Fetch-Site: same-origin"), 200);
  assertEquals(await ask("POST", `Origin: ${origin}`), 200);
  assertEquals(broker.checks, 2);
});

Deno.test("inspector - other origins read nothing but may link to the page", async () => {
  const broker = new ScriptedBrokerSource();
  await using inspector = await serveInspector({ broker });
  const { host } = new URL(inspector.url);
  const get = async (path: string, site: string) => {
    const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`, `Sec-Fetch-Site: ${site}`];
    return (await rawRequest(inspector.url, lines)).status;
  };
  assertEquals(await get("/", "cross-site"), 200);
  assertEquals(await get("/", "none"), 200);
  assertEquals(await get("/app.js", "same-origin"), 200);
  assertEquals(await get("/app.js", "cross-site"), 403);
  assertEquals(await get("/events", "cross-site"), 403);
  assertEquals(await get("/transactions/a", "same-site"), 403);
});

Deno.test("inspector - serves this machine alone", async () => {
  const broker = new ScriptedBrokerSource();
  for (const hostname of ["0.0.0.0", "::", "192.168.1.2", "example.com", ""]) {
    await assertRejects(
      () => serveInspector({ broker }, { hostname }),
      InvalidArgumentError,
      "Cannot use option hostname: it must be 127.0.0.1, ::1 or localhost",
    );
  }
});

Deno.test("inspector - may be served by the name of this machine", async () => {
  const broker = new ScriptedBrokerSource();
  await using inspector = await serveInspector({ broker }, { hostname: "localhost" });
  assertMatch(inspector.url, /^http:\/\/localhost:\d+\/$/);
  const response = await fetch(inspector.url, { method: "HEAD" });
  assertEquals([response.status, await response.text()], [200, ""]);
});

Deno.test("inspector - says what is wrong with its options", async () => {
  const broker = new ScriptedBrokerSource();
  await assertRejects(
    () => serveInspector({}),
    InvalidArgumentError,
    "a broker, a producer or a cluster",
  );
  const inspect = () => Promise.reject(new Error("not asked"));
  await assertRejects(
    () => serveInspector({ cluster: { inspect } }),
    InvalidArgumentError,
    "the topic",
  );
  await assertRejects(
    () => serveInspector({ broker }, { port: 70_000 }),
    InvalidArgumentError,
    "port",
  );
  await using inspector = await serveInspector({ broker });
  const port = Number(new URL(inspector.url).port);
  await assertRejects(
    () => serveInspector({ broker }, { port }),
    InvalidArgumentError,
    `Cannot serve on 127.0.0.1:${port}: another program listens there`,
  );
  assertThrows(() => inspector.watch("a"), InvalidArgumentError, "the source has no cluster");
});
