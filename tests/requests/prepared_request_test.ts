import { assertEquals, assertThrows } from "@std/assert";
import { Credentials, signRequest } from "../../src/access/mod.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { FrameBuffer, type RemotingRequest } from "../../src/remoting/internal.ts";
import {
  endTransactionHeader,
  PreparedHeaders,
  PreparedRequest,
  prepareEndTransactionHeaders,
  prepareSendMessageHeaders,
  sendMessageHeader,
} from "../../src/requests/mod.ts";
import { testSecret } from "../support/secrets.ts";

const COMMON = { producerGroup: "G", defaultTopic: "TBW102", defaultTopicQueueNums: 4 };

const SEND = {
  queueId: 3,
  sysFlag: 4,
  bornTimestamp: 1_795_368_747_334n,
  flag: -1,
  properties: 'KEYS\u0001"a\\b"\u0002TAGS\u0001\u{1f600}é\u0002',
  batch: false,
  bname: 'broker "a"',
};

/** The fields of a request as they leave. */
function written(request: RemotingRequest): string {
  const buffer = new FrameBuffer(), size = buffer.appendRequest(request, 1);
  const { extFields } = JSON.parse(new TextDecoder().decode(buffer.bytesBetween(8, size)));
  return JSON.stringify(extFields);
}

Deno.test("prepared send - has the fields that a send made one by one has", () => {
  const prepared = prepareSendMessageHeaders(COMMON).get("Orders");
  const expected = sendMessageHeader.encode({
    ...COMMON,
    ...SEND,
    topic: "Orders",
    reconsumeTimes: 0,
    unitMode: false,
  });
  const request = new PreparedRequest({ code: 310, header: prepared, varying: SEND });
  assertEquals(request.extFields, expected);
  const json = JSON.parse(written(request));
  assertEquals(json, expected);
  assertEquals(Object.keys(json), Object.keys(expected));
});

Deno.test("prepared verdict - has the fields that a verdict made one by one has", () => {
  const verdict = {
    tranStateTableOffset: 2n ** 63n - 1n,
    commitLogOffset: 0n,
    commitOrRollback: 8,
    fromTransactionCheck: true,
    msgId: "M",
    transactionId: "M",
    bname: "",
  };
  const prepared = prepareEndTransactionHeaders("G%").get("Orders");
  const expected = endTransactionHeader.encode({
    producerGroup: "G%",
    topic: "Orders",
    ...verdict,
  });
  assertEquals(prepared.encode(verdict), expected);
  assertEquals(
    JSON.parse(written(new PreparedRequest({ code: 37, header: prepared, varying: verdict }))),
    expected,
  );
});

Deno.test("prepared header - a value outside of its range is refused in either form", () => {
  const prepared = prepareSendMessageHeaders(COMMON).get("Orders");
  const wrong = { ...SEND, queueId: 2 ** 31 };
  for (
    const encode of [
      () => prepared.encode(wrong),
      () => written(new PreparedRequest({ code: 310, header: prepared, varying: wrong })),
    ]
  ) {
    assertThrows(encode, InvalidArgumentError, '"queueId" is 2147483648');
  }
});

Deno.test("prepared headers - are made once for a topic, and of many topics some are kept", () => {
  const made: string[] = [];
  const headers = new PreparedHeaders((topic) => {
    made.push(topic);
    return prepareSendMessageHeaders(COMMON).get(topic);
  }, 2);
  for (const topic of "abab") headers.get(topic);
  assertEquals(made.join(""), "ab");
  for (const topic of "cab") headers.get(topic);
  assertEquals(made.join(""), "abcab");
});

Deno.test("prepared request - once signed it leaves with the signed fields, not with those that it prepared", () => {
  const credentials = new Credentials({ accessKey: "user", secretKey: testSecret("secret") });
  const prepared = prepareSendMessageHeaders(COMMON).get("Orders");
  const request = signRequest(
    new PreparedRequest({ code: 310, header: prepared, varying: SEND }),
    credentials,
  );
  const fields = JSON.parse(written(request));
  assertEquals([fields.AccessKey, typeof fields.Signature], ["user", "string"]);
  assertEquals(fields.b, "Orders");
});
