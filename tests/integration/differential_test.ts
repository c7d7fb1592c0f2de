import { assertEquals, assertGreater } from "@std/assert";
import { findDifferences } from "../differential/differential.ts";
import { commands } from "../differential/subjects/commands.ts";
import { batches, messageIds, properties } from "../differential/subjects/messages.ts";
import { signatures } from "../differential/subjects/signatures.ts";
import { canRunJava } from "../support/java_program.ts";
import { launcherTest } from "../support/real_broker.ts";
import { testSecret } from "../support/secrets.ts";

if (canRunJava()) {
  launcherTest(
    "differential - commands, signatures and messages are those of the official library, to the byte",
    async () => {
      const differences = await findDifferences([
        [commands, 2_000],
        [signatures, 1_000],
        [properties, 500],
        [batches, 500],
        [messageIds, 500],
      ], 1_000_000);
      assertEquals(differences, []);
    },
  );

  launcherTest(
    "differential - one bit of a flag, another secret or a changed byte is noticed",
    async () => {
      const changed = await findDifferences([
        [{ ...commands, describe: (it) => commands.describe({ ...it, flag: it.flag ^ 8 }) }, 20],
        [{
          ...signatures,
          describe: (it) => signatures.describe({ ...it, secretKey: testSecret("x") }),
        }, 20],
        [{ ...batches, compare: (it, [bytes = ""]) => batches.compare(it, [`AA${bytes}`]) }, 20],
      ], 1);
      assertEquals(changed.length, 60);
      for (const { reason } of changed) assertGreater(reason.length, 0);
    },
  );
}
