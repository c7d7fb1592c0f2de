import { assertEquals } from "@std/assert";
import { Credentials, signRequest } from "../../../src/access/mod.ts";
import {
  createRequest,
  decodeCommand,
  encodeCommand,
  LanguageCode,
  type RemotingRequest,
  SerializeType,
} from "../../../src/remoting/mod.ts";
import type { Random } from "../../fuzz/random.ts";
import { drawBytes, drawFields, drawText } from "../draw.ts";
import type { Subject } from "../subject.ts";
import { bytesWord, mapWord, readBytes, readMap, textWord, toRecord } from "../words.ts";
import { inOrderOf } from "./commands.ts";

interface DrawnSignature {
  accessKey: string;
  secretKey: string;
  securityToken?: string;
  request: RemotingRequest & { extFields: Record<string, string>; body: Uint8Array };
}

/** Control characters, which no key has. */
const CONTROLS = /\p{Cc}/u;

/**
 * Requests that are signed. The fields and the signature have to be equal, but that ours leaves empty
 * fields out; where both write the same fields, the signed frames have to be equal, too.
 */
export const signatures: Subject<DrawnSignature> = {
  name: "signature",
  draw(random: Random): DrawnSignature {
    const key = () => drawText(random, { without: CONTROLS, longest: 200 }) || "key";
    const loneSurrogates = random.oneIn(8);
    const fields = drawFields(random, { names: { loneSurrogates }, values: { loneSurrogates } });
    if (random.oneIn(8)) fields.push(["Signature", "of another attempt"]);
    return {
      accessKey: key(),
      secretKey: key(),
      ...random.oneIn(3) ? { securityToken: key() } : {},
      request: {
        code: random.below(1_000),
        extFields: toRecord(fields),
        body: drawBytes(random),
      },
    };
  },
  describe({ accessKey, secretKey, securityToken, request }: DrawnSignature): string[] {
    const { code, extFields, body } = request;
    return [
      ...[accessKey, secretKey, securityToken].map(textWord),
      String(code),
      mapWord(Object.entries(extFields)),
      bytesWord(body),
    ];
  },
  compare({ request, ...credentials }: DrawnSignature, answer: readonly string[]): void {
    const [fields = "", json = "", binary = ""] = answer;
    const signed = signRequest(request, new Credentials(credentials));
    const official = readMap(fields).map(([name, value]) => [name, value ?? ""] as const);
    assertEquals(
      signed.extFields,
      toRecord(official.filter(([, value]) => value !== "")),
      "the fields of the signed request",
    );
    if (official.some(([name, value]) => value === "" || !`${name} ${value}`.isWellFormed())) {
      return;
    }
    for (const [serializeType, frame] of [["JSON", json], ["ROCKETMQ", binary]] as const) {
      const order = decodeCommand(readBytes(frame)).extFields;
      const extFields = inOrderOf(order, signed.extFields!);
      const command = createRequest({ ...signed, extFields }, 1);
      assertEquals(command.language, LanguageCode.OTHER);
      const ours = encodeCommand({ ...command, serializeType: SerializeType[serializeType] });
      assertEquals(bytesWord(ours), frame, `the signed frame, ${serializeType}`);
    }
  },
};
