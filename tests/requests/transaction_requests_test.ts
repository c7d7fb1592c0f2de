import { assertEquals, assertFalse, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import {
  CommitOrRollback,
  createResumeCheckHalfMessageRequest,
  endTransactionHeader,
  readCheckTransactionStateRequest,
  readEndTransactionResponse,
  readResumeCheckHalfMessageResponse,
} from "../../src/requests/mod.ts";
import { createCheckTransactionStateRequest } from "../../src/testing/requests.ts";
import { utf8 } from "../remoting/frames.ts";
import { createEndTransactionRequest } from "../support/requests.ts";
import { assertProtocolError, assertRefusal, context, response, sent } from "./support.ts";

const offsets = { tranStateTableOffset: 1n, commitLogOffset: 389n };

Deno.test("end transaction - four fields are enough, all can be given", () => {
  const least = createEndTransactionRequest({
    producerGroup: "G",
    ...offsets,
    commitOrRollback: CommitOrRollback.Commit,
  });
  assertEquals(least, {
    code: 37,
    extFields: {
      producerGroup: "G",
      tranStateTableOffset: "1",
      commitLogOffset: "389",
      commitOrRollback: "8",
    },
  });
  const most = createEndTransactionRequest({
    producerGroup: "G",
    ...offsets,
    commitOrRollback: CommitOrRollback.Unknown,
    fromTransactionCheck: true,
    msgId: "M",
    transactionId: "X",
    topic: "T",
    bname: "broker-a",
  }, "listener threw");
  assertEquals(most.remark, "listener threw");
  assertEquals(most.extFields?.fromTransactionCheck, "true");
  assertEquals(endTransactionHeader.decode(most.extFields!).commitOrRollback, 0);
  assertEquals({ ...CommitOrRollback }, { Unknown: 0, Commit: 8, Rollback: 12 });
});

Deno.test("end transaction - an offset beyond int64 or below 0 is not sent", () => {
  for (const commitLogOffset of [-1n, 2n ** 63n]) {
    assertThrows(
      () =>
        createEndTransactionRequest({
          ...offsets,
          producerGroup: "G",
          commitLogOffset,
          commitOrRollback: 8,
        }),
      InvalidArgumentError,
      '"commitLogOffset" is',
    );
  }
});

Deno.test("end transaction - success of a broker has no fields, with or without a remark", () => {
  const remark = "not set any response code";
  assertEquals(readEndTransactionResponse(response(), context), true);
  assertEquals(readEndTransactionResponse(response({ remark }), context), true);
});

Deno.test("end transaction - the success of a proxy, which tells its region, proves nothing", () => {
  const extFields = { MSG_REGION: "", TRACE_ON: "false" };
  assertEquals(readEndTransactionResponse(response({ extFields }), context), false);
});

Deno.test("end transaction - a refusal says what it means for the verdict (C6, C7)", () => {
  const read = (code: number, remark?: string) => () =>
    readEndTransactionResponse(
      response(remark === undefined ? { code } : { code, remark }),
      context,
    );
  assertRefusal(
    read(1, "The producer group wrong"),
    1,
    "Cannot end a transaction",
    "under this group and these offsets",
    '"The producer group wrong"',
  );
  assertRefusal(read(11), 11, "the verdict belongs to its master");
  assertRefusal(read(604), 604, "CHECK_IMMUNITY_TIME_IN_SECONDS");
  assertRefusal(read(16), 16, "check access key and permissions");
  assertEquals(assertRefusal(read(2), 2).isRetriable, true);
  assertEquals(assertRefusal(read(1), 1).isRetriable, false);
});

Deno.test("end transaction - a refusal for another reason than a half message not found is not explained by that", () => {
  for (const remark of ["in-sync replicas not enough", "UNKNOWN_ERROR DEFAULT", undefined]) {
    const read = () =>
      readEndTransactionResponse(
        response(remark === undefined ? { code: 1 } : { code: 1, remark }),
        context,
      );
    const { message, isRetriable } = assertRefusal(read, 1, remark ?? "Cannot end a transaction");
    assertFalse(message.includes("these offsets"), message);
    assertEquals(isRetriable, remark === "in-sync replicas not enough");
  }
});

Deno.test("check-back - fields go both ways, offsets up to the last of int64 (B11)", () => {
  const header = {
    tranStateTableOffset: 9_007_199_254_740_993n,
    commitLogOffset: 9_223_372_036_854_775_807n,
    msgId: "M",
    transactionId: "X",
    offsetMsgId: "O",
    topic: "RMQ_SYS_TRANS_HALF_TOPIC",
    bname: "broker-a",
  };
  const request = createCheckTransactionStateRequest(header, utf8("stored message"));
  assertEquals(request.extFields?.commitLogOffset, "9223372036854775807");
  assertEquals(readCheckTransactionStateRequest(sent(request)), header);
  const least = { tranStateTableOffset: "0", commitLogOffset: "0", msgId: "", topic: "" };
  assertEquals(readCheckTransactionStateRequest(sent({ code: 39, extFields: least })), {
    tranStateTableOffset: 0n,
    commitLogOffset: 0n,
  });
});

Deno.test("check-back - without two good offsets it can't be answered (B10, B12)", () => {
  for (const name of ["tranStateTableOffset", "commitLogOffset"]) {
    for (const value of [undefined, "", "abc", "1e3", "-1", " 5", "9223372036854775808"]) {
      const extFields: Record<string, string> = { tranStateTableOffset: "1", commitLogOffset: "2" };
      if (value === undefined) delete extFields[name];
      else extFields[name] = value;
      const request = sent({ code: 39, extFields });
      assertProtocolError(
        () => readCheckTransactionStateRequest(request, { address: "h:1" }),
        `Cannot read CHECK_TRANSACTION_STATE request: field "${name}" is`,
      );
    }
  }
});

Deno.test("resume - names the record that was given up", () => {
  const request = createResumeCheckHalfMessageRequest({
    topic: "TRANS_CHECK_MAX_TIME_TOPIC",
    msgId: "O",
  });
  assertEquals(request, {
    code: 323,
    extFields: { topic: "TRANS_CHECK_MAX_TIME_TOPIC", msgId: "O" },
  });
  readResumeCheckHalfMessageResponse(response(), context);
  assertRefusal(
    () => readResumeCheckHalfMessageResponse(response({ code: 1 }), context),
    1,
    "resume",
  );
});
