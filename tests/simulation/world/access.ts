import { createHmac } from "node:crypto";
import { type RemotingCommand, ResponseCode } from "../../../src/remoting/mod.ts";
import { CREDENTIALS } from "./context.ts";

/** Refuses what is not signed as it should be. Written from the protocol, not from the client. */
export function refuseUnsigned(
  { extFields, body }: RemotingCommand,
): { code: number; remark: string } | undefined {
  const { Signature: signature, ...signed } = extFields;
  const text = Object.keys(signed).sort().map((name) => signed[name]).join("");
  const wanted = createHmac("sha1", CREDENTIALS.secretKey).update(text).update(body)
    .digest("base64");
  if (signed.AccessKey === CREDENTIALS.accessKey && signature === wanted) return undefined;
  return { code: ResponseCode.NO_PERMISSION, remark: "Check signature failed" };
}
