import { testSecret } from "../../support/secrets.ts";
import type { Fact } from "../history.ts";
import type { BrokerSettings } from "../plan.ts";
import type { Random } from "../../fuzz/random.ts";
import type { Scheduler } from "../scheduler.ts";

/** What servers of a simulation have in common. */
export interface World {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly settings: BrokerSettings;
  /** Requests must be signed. */
  readonly signs: boolean;
  /** Tells the checker. */
  tell(fact: Fact): void;
}

/** Who clients are where requests must be signed. */
export const CREDENTIALS = {
  accessKey: "order-service",
  secretKey: testSecret("of-orders"),
} as const;

/** Name of the one topic. */
export const TOPIC = "orders";

/** Name of the one producer group. */
export const GROUP = "order_service";
