import { assertEquals, assertThrows } from "@std/assert";
import {
  addNamespace,
  checkNamespace,
  namespaceOf,
  unwrapNamespace,
  wrapNamespace,
} from "../../src/access/mod.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { readVectors } from "./fixtures.ts";

interface NameInput {
  namespace?: string | null;
  resource: string | null;
}

interface GroupInput {
  namespace: string | null;
  group: string | null;
}

/** The vectors with a name; what Java makes of null has no counterpart here. */
function readNameVectors(kind: string) {
  return readVectors<NameInput, string>("namespace", kind)
    .filter(({ input }) => input.resource !== null)
    .map(({ name, input, expected }) => ({
      name: `${kind} ${name}`,
      namespace: input.namespace ?? undefined,
      resource: input.resource!,
      expected,
    }));
}

Deno.test("wrapNamespace() - wraps as the official library does", () => {
  for (const { name, namespace, resource, expected } of readNameVectors("wrap")) {
    assertEquals(wrapNamespace(namespace, resource), expected, name);
  }
  const groups = readVectors<GroupInput, string | null>("namespace", "wrapRetry");
  for (const { name, input: { namespace, group }, expected } of groups) {
    // The topic of a group is named after it; without a group there is none.
    if (expected === null) continue;
    assertEquals(`%RETRY%${wrapNamespace(namespace ?? undefined, group!)}`, expected, name);
  }
});

Deno.test("unwrapNamespace() - unwraps as the official library does", () => {
  for (const { name, namespace, resource, expected } of readNameVectors("without")) {
    assertEquals(unwrapNamespace(namespace, resource), expected, name);
  }
  for (const { name, resource, expected } of readNameVectors("withoutAny")) {
    assertEquals(unwrapNamespace(namespaceOf(resource), resource), expected, name);
  }
});

Deno.test("namespaceOf() - finds what the official library finds", () => {
  for (const { name, resource, expected } of readNameVectors("namespaceOf")) {
    assertEquals(namespaceOf(resource) ?? "", expected, name);
  }
});

Deno.test("wrapNamespace() - unwrapNamespace() gives the name back, wrapping twice changes nothing", () => {
  for (
    const name of ["orders", "%RETRY%group", "%DLQ%group", "a%b", "|-_", "RMQ_SYS_TRACE_TOPIC"]
  ) {
    const wrapped = wrapNamespace("ns", name);
    assertEquals(unwrapNamespace("ns", wrapped), name);
    assertEquals(wrapNamespace("ns", wrapped), wrapped);
    assertEquals(unwrapNamespace("other", wrapped), wrapped);
  }
  assertEquals(wrapNamespace("ns", "%DLQ%group"), "%DLQ%ns%group");
});

Deno.test("wrapNamespace() - names of the system are the same in every namespace", () => {
  for (
    const name of [
      "TBW102",
      "SCHEDULE_TOPIC_XXXX",
      "RMQ_SYS_TRANS_HALF_TOPIC",
      "RMQ_SYS_TRANS_OP_HALF_TOPIC",
      "TRANS_CHECK_MAX_TIME_TOPIC",
      "rmq_sys_wheel_timer",
      "CID_RMQ_SYS_TRANS",
    ]
  ) {
    assertEquals(wrapNamespace("ns", name), name);
    assertEquals(namespaceOf(name), undefined);
  }
  assertEquals(wrapNamespace("ns", "TBW1020"), "ns%TBW1020");
});

Deno.test("addNamespace() - adds the fields that the official client adds", () => {
  const request = Object.freeze({ code: 105, extFields: Object.freeze({ topic: "FixTopic" }) });
  assertEquals(addNamespace("spaceTwo", request), {
    code: 105,
    extFields: { ns: "spaceTwo", nsd: "true", topic: "FixTopic" },
  });
  assertEquals(addNamespace("n", { code: 34 }).extFields, { ns: "n", nsd: "true" });
});

Deno.test("checkNamespace() - takes what servers take in a name, and refuses the rest", () => {
  for (const name of ["MQ_INST_1_x", "a", "A-b|c", "x".repeat(100)]) checkNamespace(1, name);
  for (const name of ["rmq-cn-1", "пространство", "a%b", "x".repeat(255)]) checkNamespace(2, name);
  for (const name of ["", "a%b", "%", "a b", "ё", "a\n", "x".repeat(101), undefined, null, 7]) {
    const says = `it has to be 1 to 100 of the characters A-Z a-z 0-9 _ - |`;
    assertThrows(() => checkNamespace(1, name), InvalidArgumentError, says);
  }
  for (const name of ["", "a\nb", "\ud800", "x".repeat(256), undefined, {}]) {
    assertThrows(() => checkNamespace(2, name), InvalidArgumentError, "1 to 255 characters");
  }
});
