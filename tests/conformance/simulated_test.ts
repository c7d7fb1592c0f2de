import { assertEquals } from "@std/assert";
import { ServedBroker } from "../simulation/served_broker.ts";
import { checkBackCases } from "./cases/check_backs.ts";
import { giveUpCases } from "./cases/give_ups.ts";
import { lookUpCases } from "./cases/look_ups.ts";
import { transactionCases } from "./cases/transactions.ts";

const SETTINGS = { timeout: 300, interval: 250, maxChecks: 12, markInterval: 20 };

/** What the simulation's broker leaves out, with the reason: everything else has to be as it is. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "verdict - has to name the half message rightly": "no offset is within a record",
  "verdict - over an ordinary message is an error of the system": "plain messages have no records",
  "check-back - says all of the half message, field by field": "no rule looks at these fields",
  "query - finds by unique key, business key and tag": "plain messages have no records",
  "offsets - are those of the queue": "plain messages have no records",
  "offsets - are found by time": "nobody asks for offsets by time",
};

const CASES = [...transactionCases, ...checkBackCases, ...giveUpCases, ...lookUpCases];

Deno.test("the simulation's broker - what it leaves out is there to be left out", () => {
  const names = new Set(CASES.map(({ name }) => name));
  assertEquals(Object.keys(LEFT_OUT).filter((name) => !names.has(name)), []);
});

for (const { name, run } of CASES) {
  if (name in LEFT_OUT) continue;
  Deno.test(`the simulation's broker - ${name}`, async () => {
    await using broker = new ServedBroker(SETTINGS);
    const { address } = broker;
    await run({
      nameServer: address,
      broker: { name: broker.name, address },
      clusterName: "DefaultCluster",
      transactionTimeout: SETTINGS.timeout,
      checkInterval: SETTINGS.interval,
      checkMax: SETTINGS.maxChecks,
      serializeType: "JSON",
    });
  });
}
