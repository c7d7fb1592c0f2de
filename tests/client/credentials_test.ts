import { createHmac } from "node:crypto";
import { assert, assertEquals } from "@std/assert";
import type { RequestHook } from "../../mod.ts";
import { SignatureField } from "../../src/access/mod.ts";
import { type RemotingCommand, RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { saying } from "../transaction/support.ts";
import { CREDENTIALS, LIFE, liveALife, requestsTo } from "./access_support.ts";

/** The signature that a server comes to. */
function expectedSignature({ extFields, body }: RemotingCommand): string {
  const names = Object.keys(extFields).filter((name) => name !== SignatureField.Signature).sort();
  return createHmac("sha1", CREDENTIALS.secretKey)
    .update(names.map((name) => extFields[name]).join("")).update(body).digest("base64");
}

Deno.test("credentials - every request is signed over what arrives, one-way ones and hooks' fields too", async () => {
  await using cluster = new ScriptedCluster();
  cluster.route("tenant%TopicTest");
  const hook: RequestHook = { before: () => ({ zone: "z1" }) };
  await liveALife(cluster, {
    credentials: CREDENTIALS,
    namespace: "tenant",
    namespaceV2: "region",
    enableStreamRequestType: true,
    requestHooks: [hook],
  });

  const requests = requestsTo(cluster);
  assertEquals(new Set(requests.map(({ code }) => code)), new Set(LIFE));
  for (const request of requests) {
    const { AccessKey, SecurityToken, Signature, ns, nsd, ReqT, zone } = request.extFields;
    assertEquals(
      { AccessKey, SecurityToken, Signature, ns, nsd, ReqT, zone },
      {
        AccessKey: CREDENTIALS.accessKey,
        SecurityToken: CREDENTIALS.securityToken,
        Signature: expectedSignature(request),
        ns: "region",
        nsd: "true",
        ReqT: "0",
        zone: "z1",
      },
      `request ${request.code}`,
    );
    assertEquals(Object.values(request.extFields).includes(""), false);
  }
  assert(requests.some(({ code, flag }) => code === RequestCode.END_TRANSACTION && flag === 2));
});

Deno.test("credentials - without them and all the rest, requests go out as they are", async () => {
  await using cluster = new ScriptedCluster();
  await liveALife(cluster, {});
  for (const { extFields } of requestsTo(cluster)) {
    for (const name of ["AccessKey", "SecurityToken", "Signature", "ns", "nsd", "ReqT"]) {
      assertEquals(extFields[name], undefined);
    }
  }
});

Deno.test("credentials - the answer to a request of a broker is not signed, as in Java", async () => {
  await using cluster = new ScriptedCluster();
  await cluster.started(saying("COMMIT"), { credentials: CREDENTIALS });
  const { broker } = cluster;
  broker.checkBack(broker.strangeHalf({ transactionId: "0".repeat(32) }), { twoWay: true });
  await settle();
  assertEquals(broker.connection.responses.map(({ extFields }) => extFields), [{}]);
});
