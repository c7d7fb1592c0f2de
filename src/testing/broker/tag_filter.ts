import { ResponseCode } from "../../remoting/mod.ts";
import { Refusal } from "../net/answer.ts";
import { tagCodeOf } from "../store/tag_code.ts";

/** Whether a message is wanted, by the hash of its tag. */
export type TagFilter = (tagCode: number) => boolean;

/**
 * The filter of a tag expression: `*`, or tags with `||` between. Like a broker it goes by hashes;
 * consumers compare the tags themselves.
 *
 * @throws {Refusal} when it is none, or of another type than `TAG`.
 */
export function tagFilter(expression: string | undefined, type: string | undefined): TagFilter {
  if (type && type !== "TAG") {
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      `The broker does not support consumer to filter message by ${type}`,
    );
  }
  if (!expression || expression === "*") return () => true;
  const tags = expression.split("||");
  if (tags.every((tag) => tag === "")) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      "parse the consumer's subscription failed",
    );
  }
  const codes = new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== "").map(tagCodeOf));
  return (tagCode) => codes.has(tagCode);
}
