import { ResponseCode } from "../../remoting/mod.ts";
import { Refusal } from "../net/answer.ts";

/**
 * The object in a body; an empty one when there is no body.
 *
 * @throws {Refusal} when the body is anything else.
 */
export function parseJson(body: Uint8Array): Record<string, unknown> {
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    if (value !== null && typeof value === "object") return value as Record<string, unknown>;
  } catch {
    // Refused below.
  }
  throw new Refusal(
    ResponseCode.SYSTEM_ERROR,
    "com.alibaba.fastjson2.JSONException: the body is not a JSON object",
  );
}
