import { canRunJava, runJava } from "../support/java_program.ts";
import { brokerTest } from "../support/real_broker.ts";
import { answerEachOther } from "./versions/mixed_group.ts";

const SOURCE = new URL("java/GroupMember.java", import.meta.url).pathname;

if (canRunJava()) {
  brokerTest(
    "TransactionProducer - members in Java and here answer each other's check-backs",
    async (cluster) => {
      await answerEachOther(cluster, [{ name: "java", run: (args) => runJava(SOURCE, args) }]);
    },
  );
}
