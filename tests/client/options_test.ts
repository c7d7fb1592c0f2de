import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { type ClientOptions, resolveClientOptions } from "../../src/client/mod.ts";
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
  assertRefused({ fetch: "x" }, "Cannot use option fetch");
});

Deno.test("options - the VIP channel is a switch that is off", () => {
  assertEquals([resolve().vipChannel, resolve({ vipChannel: true }).vipChannel], [false, true]);
  for (const vipChannel of ["true", 1, null, {}]) {
    assertRefused({ vipChannel }, "Cannot use option vipChannel: it must be true or false");
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

Deno.test("options - an instance name is taken as it is", () => {
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
  assertRefused({ tls: null }, "it must be true, false, or an object with certificates");
});
