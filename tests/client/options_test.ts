import {
  assertEquals,
  assertFalse,
  assertMatch,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { resolveClientOptions } from "../../src/client/mod.ts";
import type { ClientOptions } from "../../src/client/mod.ts";
import { InvalidArgumentError } from "../../src/errors.ts";

function resolve(options: Record<string, unknown> = {}) {
  return resolveClientOptions({ nameServers: "127.0.0.1:9876", ...options } as ClientOptions);
}

function assertRefused(options: Record<string, unknown>, message: string): void {
  const error = assertThrows(
    () => resolve(options),
    InvalidArgumentError,
    message,
    Deno.inspect(options),
  );
  assertEquals([error.code, error.isRetriable], ["INVALID_ARGUMENT", false]);
}

Deno.test("options - the defaults are as documented", () => {
  const settings = resolve();
  assertEquals(
    {
      connectTimeout: settings.connectTimeout,
      requestTimeout: settings.requestTimeout,
      startTimeout: settings.startTimeout,
      shutdownTimeout: settings.shutdownTimeout,
      routePollInterval: settings.routePollInterval,
      heartbeatInterval: settings.heartbeatInterval,
      maxRequestsInFlight: settings.maxRequestsInFlight,
      maxPendingBytes: settings.maxPendingBytes,
    },
    {
      connectTimeout: 3_000,
      requestTimeout: 3_000,
      startTimeout: 10_000,
      shutdownTimeout: 10_000,
      routePollInterval: 30_000,
      heartbeatInterval: 30_000,
      maxRequestsInFlight: 65_535,
      maxPendingBytes: 64 * 1024 * 1024,
    },
  );
  assertMatch(settings.instanceName, /^[0-9a-f]{16}$/);
  assertNotEquals(settings.instanceName, resolve().instanceName);
});

Deno.test("options - name servers are trimmed and each taken once", () => {
  const expected = ["a:9876", "b:9876"];
  assertEquals(resolve({ nameServers: " a:9876 ; ;b:9876 ;a:9876;" }).nameServers, expected);
  assertEquals(resolve({ nameServers: ["a:9876", " b:9876", "a:9876"] }).nameServers, expected);
  assertEquals(resolve({ nameServers: ["a:9876;b:9876"] }).nameServers, expected);
  assertEquals(
    resolve({ nameServers: "[::1]:9876;10.0.0.1:1;ns.example:65535" }).nameServers,
    ["[::1]:9876", "10.0.0.1:1", "ns.example:65535"],
  );
});

Deno.test("options - name servers that are none are refused", () => {
  for (const nameServers of ["", " ", ";;", []]) {
    assertRefused({ nameServers }, "nameServers: it is empty, at least one host:port is needed");
  }
  for (const nameServers of [undefined, null, 42, {}, [42], [undefined]]) {
    assertRefused({ nameServers }, 'nameServers: it must be "host:port;host:port" or a list');
  }
  for (const entry of ["a", "a:", ":9876", "a:0", "a:1e4", "::1:9876", "a b:9876"]) {
    assertRefused({ nameServers: `good:9876;${entry}` }, "host:port");
  }
  assertRefused({ nameServers: "good:9876;a:70000" }, "port 70000 is not from 1 to 65535");
});

Deno.test("options - a name server is no URL, and the error shows no password", () => {
  const urls = ["http://x/rocketmq/nsaddr", "user:hunter2@host:9876", "http://u:hunter2@h:1"];
  for (const nameServers of urls) {
    const error = assertThrows(() => resolve({ nameServers }), InvalidArgumentError);
    assertMatch(error.message, /only host:port is allowed/);
    assertFalse(Deno.inspect(error).includes("hunter2"));
  }
});

Deno.test("options - name servers come from a list or from a URL, not from both", () => {
  const url = { nameServers: undefined, nameServersUrl: "https://x.example/list?unit=1" };
  const settings = resolve(url);
  assertEquals([settings.nameServers, settings.nameServersUrl], [[], url.nameServersUrl]);
  assertEquals(settings.nameServersPollInterval, 120_000);
  assertEquals(resolve().nameServersUrl, undefined);

  assertRefused({ nameServersUrl: "http://x/list" }, "nameServers and nameServersUrl together");
  for (
    const nameServersUrl of ["", "x:9876", "ftp://x/", "file:///etc/hosts", 42, null, "http://"]
  ) {
    assertRefused(
      { nameServers: undefined, nameServersUrl },
      "nameServersUrl: it must be an http: or https: URL",
    );
  }
  const secret = { nameServers: undefined, nameServersUrl: "htp://user:hunter2@x/" };
  const error = assertThrows(() => resolve(secret), InvalidArgumentError);
  assertFalse(Deno.inspect(error).includes("hunter2"));
  assertRefused({ fetch: "x" }, "Cannot use option fetch");
});

Deno.test("options - the VIP channel is a switch that is off", () => {
  assertEquals([resolve().vipChannel, resolve({ vipChannel: true }).vipChannel], [false, true]);
  for (const vipChannel of ["true", 1, null, {}]) {
    assertRefused({ vipChannel }, "Cannot use option vipChannel: it must be true or false");
  }
});

Deno.test("options - times are whole milliseconds that a timer can wait", () => {
  const names = [
    "connectTimeout",
    "requestTimeout",
    "startTimeout",
    "shutdownTimeout",
    "routePollInterval",
    "heartbeatInterval",
    "nameServersPollInterval",
  ] as const;
  for (const name of names) {
    for (const value of [0, -1, NaN, Infinity, "3000", 2 ** 31, 1.5, null, 1n]) {
      assertRefused(
        { [name]: value },
        `Cannot use option ${name}: it must be a whole number from 1 to 2147483647 ms, ` +
          `current value is ${value}`,
      );
    }
    assertEquals(resolve({ [name]: 2 ** 31 - 1 })[name], 2 ** 31 - 1);
    assertEquals(resolve({ [name]: 1 })[name], 1);
  }
});

Deno.test("options - bounds are whole numbers above nothing", () => {
  for (const value of [0, -1, NaN, 1e9, "5"]) {
    assertRefused({ maxRequestsInFlight: value }, "Cannot use option maxRequestsInFlight");
  }
  for (const value of [0, 1023, NaN, 2 ** 31 + 1]) {
    assertRefused({ maxPendingBytes: value }, "Cannot use option maxPendingBytes");
  }
});

Deno.test("options - an instance name can't break the client id", () => {
  for (const instanceName of ["a@b", "a#b", "a\nb", "", " ", "ü", "x".repeat(128), 42, null]) {
    assertRefused({ instanceName }, "Cannot use option instanceName");
  }
  assertEquals(resolve({ instanceName: "orders-1.eu_west" }).instanceName, "orders-1.eu_west");
});

Deno.test("options - an address map is a table or a function, and its targets are addresses", () => {
  const byTable = resolve({ addressMap: { "172.17.0.3:10911": "127.0.0.1:1" } }).mapAddress;
  assertEquals(byTable("172.17.0.3:10911", "broker-a"), "127.0.0.1:1");
  assertEquals(byTable("172.17.0.4:10911", "broker-a"), "172.17.0.4:10911");

  const byFunction = resolve({
    addressMap: (address: string, name: string) => `${name}.example:${address.split(":")[1]}`,
  }).mapAddress;
  assertEquals(byFunction("172.17.0.3:10911", "broker-a"), "broker-a.example:10911");

  assertRefused({ addressMap: { "172.17.0.3:10911": "nowhere" } }, "nowhere");
  const broken = resolve({ addressMap: () => "http://x" }).mapAddress;
  assertThrows(() => broken("172.17.0.3:10911", "broker-a"), InvalidArgumentError);
});

Deno.test("options - TLS is one switch, and no dialer beside it", () => {
  const plain = resolve().dialer;
  assertStrictEquals(resolve({ tls: false }).dialer, plain);
  assertNotEquals(resolve({ tls: true }).dialer, plain);
  assertNotEquals(resolve({ tls: { serverName: "mq.example.com" } }).dialer, plain);
  assertStrictEquals(resolve({ dialer: plain, tls: false }).dialer, plain);
  assertRefused({ tls: true, dialer: plain }, "it and dialer exclude each other");
  assertRefused({ tls: "yes" }, "it must be true, false, or an object with certificates");
  assertRefused({ tls: null }, "it must be true, false, or an object with certificates");
  assertRefused({ tls: { caCerts: ["ca.pem"] } }, "caCerts[0]: it is not a certificate");
});
