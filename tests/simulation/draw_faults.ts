import { RequestCode } from "../../src/remoting/mod.ts";
import type { Random } from "../fuzz/random.ts";
import { LATER_DRAWERS } from "./draw_later_faults.ts";
import type { FaultKind, LaterFault, Plan, PlannedFault } from "./plan.ts";

/** Milliseconds in which faults begin. */
const FAULT_TIME = 45_000;

/** The kinds of faults that are drawn first, with how each is drawn. */
const DRAWERS: {
  [K in Exclude<FaultKind, LaterFault["kind"]>]: (
    draw: Draw,
  ) => Omit<PlannedFault, "at"> & { kind: K };
} = {
  refuse: (d) => ({ kind: "refuse", lasts: d.time(8_000), server: d.server() }),
  hangDial: (d) => ({ kind: "hangDial", lasts: d.time(8_000), server: d.server() }),
  reset: (d) => ({ kind: "reset", slot: d.slot(), server: d.server() }),
  breakFrame: (d) => ({
    kind: "breakFrame",
    lasts: d.time(10_000),
    slot: d.slot(),
    code: d.random.pick([
      RequestCode.SEND_MESSAGE_V2,
      RequestCode.SEND_MESSAGE_V2,
      RequestCode.END_TRANSACTION,
      RequestCode.END_TRANSACTION,
      RequestCode.END_TRANSACTION,
      RequestCode.HEART_BEAT,
    ]),
    where: d.random.pick(["before", "within", "after", "reply"]),
  }),
  halfOpen: (d) => ({
    kind: "halfOpen",
    lasts: d.time(20_000),
    slot: d.slot(),
    server: d.server(),
    heals: d.random.oneIn(2),
  }),
  slow: (d) => ({
    kind: "slow",
    lasts: d.time(15_000),
    slot: d.slot(),
    server: d.server(),
    latency: 50 + d.random.below(4_000),
  }),
  killBroker: (d) => ({ kind: "killBroker", lasts: d.time(15_000), broker: d.broker() }),
  freeze: (d) => ({ kind: "freeze", lasts: d.time(12_000), broker: d.broker() }),
  actingMaster: (d) => ({ kind: "actingMaster", lasts: d.time(15_000), broker: d.broker() }),
  powerLoss: (d) => ({
    kind: "powerLoss",
    lasts: d.time(15_000),
    broker: d.broker(),
    window: d.random.below(1_000),
  }),
  promote: (d) => ({
    kind: "promote",
    lasts: d.time(10_000),
    broker: d.broker(),
    window: d.random.below(500),
  }),
  busy: (d) => ({
    kind: "busy",
    lasts: d.time(10_000),
    broker: d.broker(),
    requests: d.random.pick(["half", "verdict", "verdict", "both"]),
  }),
  weakStore: (d) => ({
    kind: "weakStore",
    lasts: d.time(10_000),
    broker: d.broker(),
    code: 10 + d.random.below(3),
  }),
  lateReplies: (d) => ({
    kind: "lateReplies",
    lasts: d.time(10_000),
    broker: d.broker(),
    delay: 2_500 + d.random.below(3_000),
  }),
  lostChecks: (d) => ({ kind: "lostChecks", lasts: d.time(15_000), broker: d.broker() }),
  route: (d) => ({
    kind: "route",
    lasts: d.time(15_000),
    shape: d.random.pick(["stale", "empty", "unknown", "slaveOnly", "flapping"]),
  }),
  deadNameServer: (d) => ({
    kind: "deadNameServer",
    lasts: d.time(15_000),
    nameServer: d.nameServer(),
  }),
  silentNameServer: (d) => ({
    kind: "silentNameServer",
    lasts: d.time(15_000),
    nameServer: d.nameServer(),
  }),
  wallJump: (d) => ({
    kind: "wallJump",
    slot: d.slot(),
    by: d.random.pick([-200_000_000, -3_600_000, -5_000, 5_000, 3_600_000]),
  }),
  killClient: (d) => ({ kind: "killClient", slot: d.slot(), lasts: d.time(8_000) }),
  closeClient: (d) => ({
    kind: "closeClient",
    slot: d.slot(),
    lasts: d.time(8_000),
    timeout: d.random.pick([1, 200, 3_000, 10_000]),
  }),
};

/** Names what the faults of one plan hit. */
export class Draw {
  readonly random: Random;
  readonly #plan: Plan;

  constructor(random: Random, plan: Plan) {
    this.random = random;
    this.#plan = plan;
  }

  time(most: number): number {
    return 100 + this.random.below(most);
  }

  slot(): number {
    return this.random.below(this.#plan.slots);
  }

  broker(): number {
    return this.random.below(this.#plan.brokers);
  }

  nameServer(): number {
    return this.random.below(this.#plan.nameServers);
  }

  /** A server by name; most often a broker. */
  server(): string {
    return this.random.oneIn(4) ? `n${this.nameServer()}` : `b${this.broker()}`;
  }
}

/** Draws the faults of a plan: each seed allows some of the kinds only, one in eight none. */
export function drawFaults(random: Random, plan: Plan): PlannedFault[] {
  if (random.oneIn(8)) return [];
  const draw = new Draw(random, plan);
  const allowed = (Object.keys(DRAWERS) as (keyof typeof DRAWERS)[])
    .filter(() => random.oneIn(4));
  const faults: PlannedFault[] = [];
  for (const kind of allowed) {
    for (let left = 1 + random.below(2); left > 0; left--) {
      const at = drawTime(random, plan);
      faults.push({ at, ...DRAWERS[kind](draw) } as PlannedFault);
    }
  }
  return faults.sort((a, b) => a.at - b.at);
}

/** The faults of a plan with those that are drawn later. A plan without faults gets recoveries only. */
export function addFaults(random: Random, plan: Plan): PlannedFault[] {
  const draw = new Draw(random, plan), faults = [...plan.faults];
  for (const [kind, { oneIn, make }] of Object.entries(LATER_DRAWERS)) {
    if (!random.oneIn(oneIn) || (plan.faults.length === 0 && kind !== "recover")) continue;
    faults.push({ at: drawTime(random, plan), ...make(draw) } as PlannedFault);
  }
  return faults.sort((a, b) => a.at - b.at);
}

/** Half of the faults begin close to a transaction, where most can go wrong. */
function drawTime(random: Random, { transactions }: Plan): number {
  const near = random.oneIn(2) ? transactions : [];
  return near.length > 0
    ? random.pick(near).at + random.below(random.pick([20, 500, 5_000]))
    : random.below(FAULT_TIME);
}
