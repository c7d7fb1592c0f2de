import type { Logger, TransactionProducerOptions } from "../../mod.ts";
import { CAPACITIES } from "../../src/transaction/mod.ts";
import type { MemberWorld, Process } from "./process.ts";
import { CREDENTIALS, GROUP, TOPIC } from "./world/context.ts";

/** Milliseconds between two tries to start. */
export const START_AGAIN = 1_000;

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Milliseconds for one END_TRANSACTION, and for a look at what it may have done already. */
export const END_TRANSACTION_TIMEOUT = 3_000;

/** What every client of a simulation is made with: the real one, in virtual time. */
export function clientOptions(
  { plan, network, nameServers }: MemberWorld,
  process: Process,
): Omit<TransactionProducerOptions, "transactionListener"> {
  return {
    nameServers,
    producerGroup: GROUP,
    topics: [TOPIC],
    instanceName: process.name,
    endTransactionTimeout: END_TRANSACTION_TIMEOUT,
    transactionCheckMax: plan.broker.maxChecks,
    ...plan.member,
    ...(plan.capacities ? { [CAPACITIES]: plan.capacities } : {}),
    ...(plan.signs ? { credentials: CREDENTIALS } : {}),
    clock: process.clock,
    dialer: network.dialer(process.name),
    logger: SILENT,
  };
}
