import { assertEquals } from "@std/assert";
import { createRecallMessageRequest, readRecallMessageResponse } from "../../src/requests/mod.ts";
import { assertProtocolError, assertRefusal, context, response } from "./support.ts";

Deno.test("recall - names topic and handle, and group and broker when they are known", () => {
  assertEquals(createRecallMessageRequest({ topic: "T", recallHandle: "h" }), {
    code: 370,
    extFields: { topic: "T", recallHandle: "h" },
  });
});

Deno.test("recall - tells the message that was taken back, or why it was not", () => {
  const read = (fields: Parameters<typeof response>[0]) => () =>
    readRecallMessageResponse(response(fields), context);
  assertEquals(read({ code: 0, extFields: { msgId: "7F00" } })(), "7F00");
  assertProtocolError(read({ code: 0 }), '"msgId" is missing');
  assertRefusal(read({ code: 604, remark: "recall failed" }), 604, "was due already");
  assertRefusal(read({ code: 16 }), 16, "recallMessageEnable=true");
});
