import type { Handlers } from "../net/answer.ts";
import { adminHandlers } from "./admin_handlers.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { clientHandlers } from "./client_handlers.ts";
import { endTransactionHandlers } from "./end_transaction.ts";
import { lookUpHandlers } from "./look_up_handlers.ts";
import { offsetHandlers } from "./offset_handlers.ts";
import { operatorHandlers } from "./operator_handlers.ts";
import { pullHandlers } from "./pull_message.ts";
import { recallHandlers } from "./recall_message.ts";
import { replyHandlers } from "./reply_message.ts";
import { sendBackHandlers } from "./send_back.ts";
import { sendHandlers } from "./send_message.ts";

/** Everything that a broker carries out. */
export function brokerHandlers(broker: BrokerParts): Handlers {
  return new Map([
    ...sendHandlers(broker),
    ...replyHandlers(broker),
    ...endTransactionHandlers(broker),
    ...pullHandlers(broker),
    ...offsetHandlers(broker),
    ...lookUpHandlers(broker),
    ...clientHandlers(broker),
    ...adminHandlers(broker),
    ...recallHandlers(broker),
    ...sendBackHandlers(broker),
    ...operatorHandlers(broker),
  ]);
}
