import { assertEquals, assertGreaterOrEqual, assertStrictEquals } from "@std/assert";
import { Credentials, signRequest } from "../../src/access/mod.ts";
import type { RemotingRequest } from "../../src/remoting/mod.ts";
import { fromBase64, readSignedFrames, readVectors } from "./fixtures.ts";

interface SignInput {
  accessKey: string;
  secretKey: string;
  securityToken: string | null;
  fields: Record<string, string>;
  /** Base64. */
  body: string | null;
}

const alice = new Credentials({ accessKey: "alice", secretKey: "secret" });

/** The fields that a request has before it is signed. */
function withoutSignature(extFields: Record<string, string>): Record<string, string> {
  const { AccessKey: _, SecurityToken: __, Signature: ___, ...fields } = extFields;
  return fields;
}

Deno.test("signRequest() - signs as the official library does", () => {
  let signed = 0;
  for (
    const { name, input, expected } of readVectors<SignInput, { signature: string }>(
      "acl-signature",
      "sign",
    )
  ) {
    // The official library signs with an empty access key, too, and throws at an empty secret.
    if (input.accessKey === "" || input.secretKey === "") continue;
    const request: RemotingRequest = { code: 10, extFields: input.fields };
    if (input.body !== null) request.body = fromBase64(input.body);
    const { accessKey, secretKey, securityToken } = input;
    const { extFields } = signRequest(
      request,
      new Credentials({ accessKey, secretKey, securityToken: securityToken ?? undefined }),
    );
    assertEquals(extFields?.Signature, expected.signature, name);
    assertEquals(extFields?.AccessKey, input.accessKey, name);
    assertEquals(extFields?.SecurityToken, input.securityToken ?? undefined, name);
    signed++;
  }
  assertEquals(signed, 8);
});

Deno.test("signRequest() - comes to the signature of every frame that servers accepted", () => {
  const accepted = readSignedFrames().filter(({ acl }) => acl.matches);
  assertGreaterOrEqual(accepted.length, 50);
  for (const { name, command, acl } of accepted) {
    const { SecurityToken: securityToken, Signature, AccessKey } = command.extFields;
    assertEquals(Signature, acl.expectedSignature!, name);
    const request = { ...command, extFields: withoutSignature(command.extFields) };
    const signed = signRequest(
      request,
      new Credentials({ accessKey: AccessKey!, secretKey: acl.secretKey!, securityToken }),
    );
    assertEquals(signed.extFields, command.extFields, name);
  }
});

Deno.test("signRequest() - another secret gives the other signature that a server refused", () => {
  const refused = readSignedFrames().filter(({ scenario }) => scenario.endsWith("wrong-secret"));
  assertEquals(refused.length, 6);
  for (const { name, command, acl } of refused) {
    const request = { ...command, extFields: withoutSignature(command.extFields) };
    const signed = signRequest(
      request,
      new Credentials({ accessKey: acl.accessKey, secretKey: acl.secretKey! }),
    );
    assertEquals(signed.extFields?.Signature, acl.expectedSignature!, name);
    assertEquals(signed.extFields?.Signature === command.extFields.Signature, false, name);
  }
});

Deno.test("signRequest() - a field without a value is left out, as servers may read it as another", () => {
  const [frame, ...more] = readSignedFrames().filter(({ scenario }) =>
    scenario === "bin.acl.empty-field-fails"
  );
  assertEquals(more, []);
  const { command, acl } = frame!;
  const fields = { ...withoutSignature(command.extFields), attributes: "" };
  const credentials = new Credentials({ accessKey: acl.accessKey, secretKey: acl.secretKey! });

  const signed = signRequest({ ...command, extFields: fields }, credentials);

  assertEquals(Object.hasOwn(signed.extFields!, "attributes"), false);
  // That of the Java client, which the server refused: it read the field that was sent as null.
  assertEquals(signed.extFields?.Signature, command.extFields.Signature);
});

Deno.test("signRequest() - orders fields by UTF-16 code units, upper case first, surrogates before U+FFxx", () => {
  const names = ["b", "a", "B", "ab", "Z", "_", "é", "\u{1f600}", "\uff5e", "10", "9"];
  const extFields = Object.fromEntries(names.map((name) => [name, `<${name}>`]));
  const sorted = [
    "10",
    "9",
    "AccessKey",
    "B",
    "Z",
    "_",
    "a",
    "ab",
    "b",
    "é",
    "\u{1f600}",
    "\uff5e",
  ];
  const text = sorted.map((name) => name === "AccessKey" ? "alice" : `<${name}>`).join("");

  assertEquals(
    signRequest({ code: 10, extFields }, alice).extFields?.Signature,
    alice.sign(text, new Uint8Array()),
  );
});

Deno.test("signRequest() - a lone surrogate is signed as the question mark that Java makes of it", () => {
  const { extFields } = signRequest({ code: 10, extFields: { a: "x\ud83d", c: "y" } }, alice);
  assertEquals(extFields?.a, "x\ud83d");
  assertEquals(extFields?.Signature, alice.sign("alicex?y", new Uint8Array()));
});

Deno.test("signRequest() - a signature that is there is replaced, and the request stays as it was", () => {
  const body = new Uint8Array([1, 2, 3]);
  const request = Object.freeze({
    code: 37,
    extFields: Object.freeze({ topic: "T", Signature: "old", AccessKey: "bob", empty: "" }),
    body,
    remark: "r",
  });

  const signed = signRequest(request, alice);
  const again = signRequest(signed, alice);

  assertEquals(request.extFields, { topic: "T", Signature: "old", AccessKey: "bob", empty: "" });
  assertEquals(signed, {
    code: 37,
    extFields: {
      AccessKey: "alice",
      topic: "T",
      Signature: alice.sign("aliceT", body),
    },
    body,
    remark: "r",
  });
  assertStrictEquals(signed.body, body);
  assertEquals(again, signed);
});

Deno.test("signRequest() - every field and every byte of the body counts", () => {
  const request = { code: 10, extFields: { ns: "one", nsd: "true" }, body: new Uint8Array([1]) };
  const signature = (changed: RemotingRequest) => signRequest(changed, alice).extFields!.Signature!;
  const signatures = new Set([
    signature(request),
    signature({ ...request, extFields: { ns: "two", nsd: "true" } }),
    signature({ ...request, extFields: { ...request.extFields, zone: "z" } }),
    signature({ ...request, body: new Uint8Array([2]) }),
    signature({ code: 10, extFields: request.extFields }),
  ]);
  assertEquals(signatures.size, 5);
});
