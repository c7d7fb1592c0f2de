import { assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import { formatAddress, parseAddress, TopicRoute } from "../../src/route/mod.ts";

Deno.test("address - host:port comes apart and together again", () => {
  const good: [text: string, host: string, port: number][] = [
    ["10.0.0.1:10911", "10.0.0.1", 10911],
    ["localhost:1", "localhost", 1],
    ["broker_a-1.prod.svc.cluster.local.:65535", "broker_a-1.prod.svc.cluster.local.", 65535],
    ["[::1]:10911", "::1", 10911],
    ["[2001:db8::2]:9876", "2001:db8::2", 9876],
    ["[::ffff:10.0.0.1]:9876", "::ffff:10.0.0.1", 9876],
    ["1a.2b:80", "1a.2b", 80],
  ];
  for (const [text, host, port] of good) {
    assertEquals(parseAddress(text), { host, port });
    assertEquals(formatAddress({ host, port }), text);
  }
});

Deno.test("address - anything but host:port is refused (C14, C16, C17)", () => {
  const bad = [
    "",
    ":",
    "10.0.0.1",
    ":10911",
    "a:b:c",
    "h:",
    "h:0",
    "h:00",
    "h:080",
    "h:65536",
    "h:70000",
    "h:100000",
    "h:-1",
    "h:1e4",
    "h:0x50",
    "h:1.5",
    "h:１",
    "::1:10911",
    "[::1]",
    "[::1]10911",
    "[]:1",
    "[::1::2]:1",
    "[10.0.0.1]:1",
    "[fe80::1%eth0]:1",
    "[::1:1",
    "unix:/x",
    "http://h",
    "http://h:80",
    "h/../:1",
    "h/x:1",
    "h?x:1",
    "h#x:1",
    " h:1",
    "h:1 ",
    "h :1",
    "h:1\n",
    "h\0:1",
    "h..x:1",
    ".h:1",
    "é:1",
    "a;b:1",
    `${"x".repeat(64)}:1`,
    `${"x.".repeat(128)}:1`,
    `${"x".repeat(65_536)}:1`,
  ];
  for (const text of bad) {
    const error = assertThrows(
      () => parseAddress(text),
      InvalidArgumentError,
      "Cannot use address ",
    );
    assertEquals(/[\p{Cc}]/u.test(error.message), false);
    assertEquals(error.message.length < 220, true);
  }
});

Deno.test("address - an IPv4 address has one spelling, so that no check of it can be fooled", () => {
  for (
    const host of [
      "2852039166",
      "0xa9fea9fe",
      "0xa9.254.1.1",
      "169.254.43518",
      "0251.254.1.1",
      "1.2.3.256",
      "1.2.3.4.5",
      "1.2.3.4.",
    ]
  ) {
    assertThrows(() => parseAddress(`${host}:80`), InvalidArgumentError, "four numbers");
  }
});

Deno.test("address - the error never shows what stands before an @", () => {
  const error = assertThrows(() => parseAddress("user:secret@host:9876"), InvalidArgumentError);
  assertFalse(error.message.includes("secret"));
  assertStringIncludes(error.message, "@host:9876");
});

Deno.test("broker policy - link-local and unspecified addresses are refused in every spelling (C15)", () => {
  const refused = [
    "169.254.169.254",
    "169.254.0.1",
    "0.0.0.0",
    "::",
    "0:0:0:0:0:0:0:0",
    "fe80::1",
    "FEBF::1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::ffff:0.0.0.0",
  ];
  const allowed = [
    "127.0.0.1",
    "10.0.0.1",
    "172.17.0.3",
    "169.253.0.1",
    "::1",
    "fec0::1",
    "2001:db8::2",
    "::ffff:10.0.0.1",
    "broker-a",
    "fe80",
    "fe80.example",
  ];
  const isUsed = (host: string) => {
    const brokerAddrs = new Map([[0, formatAddress({ host, port: 10911 })]]);
    const brokerDatas = [{ cluster: "c", brokerName: "b", brokerAddrs }];
    return new TopicRoute("T", { queueDatas: [], brokerDatas }).masterAddress("b") !== undefined;
  };
  assertEquals(refused.filter(isUsed), []);
  assertEquals(allowed.filter(isUsed), allowed);
});
