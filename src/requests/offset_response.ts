import type { RemotingCommand } from "../remoting/mod.ts";
import { defineHeader } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/** The header of the answers that are one offset; a queue that never existed may have -1. */
export const offsetResponseHeader = defineHeader("offset response", { offset: "long" });

/** Reads an answer that is one offset. */
export function readOffsetResponse(
  response: RemotingCommand,
  what: string,
  context: ResponseContext,
): bigint {
  checkSuccess(response, what, context, { actions: ["GET"] });
  return offsetResponseHeader.decode(response.extFields, context).offset;
}
