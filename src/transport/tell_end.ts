import type { OutgoingRequest } from "../access/mod.ts";
import type { RemotingCommand } from "../remoting/mod.ts";

/** Passes on how a request ended, and tells those who look on. */
export async function tellEnd<T extends RemotingCommand | void>(
  end: Promise<T>,
  ended: NonNullable<OutgoingRequest["ended"]>,
): Promise<T> {
  try {
    const response = await end;
    ended(response ?? undefined);
    return response;
  } catch (error) {
    ended(error as Error);
    throw error;
  }
}
