import { assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { Credentials, type CredentialsOptions, signRequest } from "../../src/access/mod.ts";
import { describe, InvalidArgumentError } from "../../src/errors.ts";
import { testSecret } from "../support/secrets.ts";

const SECRET = testSecret("sk-7d1f9"), TOKEN = testSecret("sts-55aa");

/** Every way in which a value may end up in a log. */
function renderings(value: unknown): string[] {
  const holder = { credentials: value, list: [value] };
  return [
    String(value),
    `${value}`,
    Deno.inspect(value),
    Deno.inspect(holder, { depth: 10, showHidden: true, getters: true }),
    Deno.inspect(new Map([[value, value]]), { depth: 10 }),
    JSON.stringify(value) ?? "",
    JSON.stringify(holder),
    JSON.stringify({ ...(value as object) }),
    JSON.stringify(Object.getOwnPropertyDescriptors(value)),
    Deno.inspect(structuredClone(value), { depth: 10 }),
    Deno.inspect(Object.entries(value as object)),
  ];
}

function assertHidesSecrets(text: string): void {
  assertFalse(text.includes(SECRET), text);
  assertFalse(text.includes(TOKEN), text);
}

Deno.test("Credentials - secret and token are in nothing that shows them", () => {
  const credentials = new Credentials({
    accessKey: "alice",
    secretKey: SECRET,
    securityToken: TOKEN,
  });
  for (const text of renderings(credentials)) assertHidesSecrets(text);
  assertStringIncludes(Deno.inspect(credentials), "alice");
  for (
    const name of Object.getOwnPropertyNames(credentials).concat(
      Object.getOwnPropertyNames(Credentials.prototype),
    )
  ) {
    assertFalse(Reflect.get(credentials, name) === SECRET, `the secret can be read as ${name}`);
  }
});

Deno.test("Credentials - the secret is in no signed request", () => {
  const credentials = new Credentials({ accessKey: "alice", secretKey: SECRET });
  const signed = signRequest({ code: 10, extFields: { topic: "T" } }, credentials);
  for (const text of renderings(signed)) assertHidesSecrets(text);
});

Deno.test("Credentials - nothing holds on to the options that it was made of", () => {
  const options: CredentialsOptions = { accessKey: "alice", secretKey: SECRET };
  const credentials = new Credentials(options);
  const before = credentials.sign("text", new Uint8Array());
  options.secretKey = "other";
  assertEquals(credentials.sign("text", new Uint8Array()), before);
});

Deno.test("Credentials - a wrong value is refused by name, and not shown", () => {
  const good = { accessKey: "alice", secretKey: SECRET, securityToken: TOKEN };
  const lone = "\ud800";
  for (
    const [says, options] of [
      ["accessKey is wrong, it is empty", { ...good, accessKey: "" }],
      ["secretKey is wrong, it is empty", { ...good, secretKey: "" }],
      ["securityToken is wrong, it is empty, leave it out", { ...good, securityToken: "" }],
      ["accessKey is wrong, it has to be text, and is undefined", { secretKey: SECRET }],
      ["secretKey is wrong, it has to be text, and is undefined", { accessKey: "alice" }],
      ["secretKey is wrong, it has to be text, and is null", { ...good, secretKey: null }],
      ["secretKey is wrong, it has to be text, and is number", { ...good, secretKey: 12345678 }],
      ["secretKey is wrong, it has a line break", { ...good, secretKey: `${SECRET}\n` }],
      ["accessKey is wrong, it has a line break", { ...good, accessKey: `alice\r` }],
      ["securityToken is wrong, it has a line break", { ...good, securityToken: `${TOKEN}\0` }],
      ["secretKey is wrong, it is not well-formed", { ...good, secretKey: SECRET + lone }],
      ["accessKey and secretKey are needed", undefined],
      ["accessKey and secretKey are needed", null],
      ["accessKey and secretKey are needed", `alice:${SECRET}`],
    ] as [string, CredentialsOptions][]
  ) {
    const error = assertThrows(() => new Credentials(options), InvalidArgumentError, says);
    for (const text of [Deno.inspect(error), describe(error), JSON.stringify(error)]) {
      assertHidesSecrets(text);
      assertFalse(text.includes("12345678"), text);
    }
  }
});

Deno.test("Credentials - keys may be any text", () => {
  for (const text of ["ключ", "пароль § 🗝", " x y ", "%$#", "ſ".repeat(500)]) {
    const credentials = new Credentials({
      accessKey: text,
      secretKey: text,
      securityToken: text,
    });
    assertEquals([credentials.accessKey, credentials.securityToken()], [text, text]);
  }
});
