// deno-lint-ignore-file no-console
/** Starts a broker in a folder that it can't have, tells why, and ends if nothing is left open. */
import { EmbeddedBroker } from "../../../src/testing/mod.ts";

try {
  await EmbeddedBroker.start({ folder: Deno.args[0]! });
} catch (error) {
  console.log((error as Error).message);
}
