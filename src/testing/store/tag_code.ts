import { javaStringHash } from "../../message/mod.ts";

/** The number by which a queue knows a tag; 0 stands for none. */
export function tagCodeOf(tags: string | undefined): number {
  return tags ? javaStringHash(tags) : 0;
}
