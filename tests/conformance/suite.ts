import { checkBackCases } from "./cases/check_backs.ts";
import { clientCases } from "./cases/clients.ts";
import { consumerCases } from "./cases/consumers.ts";
import { delayCases } from "./cases/delays.ts";
import { frameCases } from "./cases/frames.ts";
import { giveUpCases } from "./cases/give_ups.ts";
import { lookUpCases } from "./cases/look_ups.ts";
import { pullCases } from "./cases/pulls.ts";
import { replyCases } from "./cases/replies.ts";
import { routeCases } from "./cases/routes.ts";
import { sendCases } from "./cases/sends.ts";
import { transactionCases } from "./cases/transactions.ts";
import type { ConformanceCase } from "./cluster_under_test.ts";

/**
 * What a broker does, as far as clients can tell: the same cases run on the embedded broker and on
 * a real one. Each makes its own topics and groups, so they may run at the same time.
 */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  ...routeCases,
  ...frameCases,
  ...sendCases,
  ...transactionCases,
  ...checkBackCases,
  ...giveUpCases,
  ...delayCases,
  ...pullCases,
  ...lookUpCases,
  ...replyCases,
  ...clientCases,
  ...consumerCases,
];
