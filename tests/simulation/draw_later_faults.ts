import type { Draw } from "./draw_faults.ts";
import type { LaterFault, Moment } from "./plan.ts";

/** How a kind of fault is drawn, and in how many plans. */
interface Drawer<F> {
  /** One in so many plans has it. */
  oneIn: number;
  make(draw: Draw): F;
}

const MOMENTS: readonly Moment[] = [
  "called",
  "wroteHalf",
  "gotReply",
  "localBegan",
  "localEnded",
  "wroteVerdict",
  "gotCheck",
  "asked",
  "answered",
  "settled",
];

/** The kinds of faults that were thought of later: each new one leaves the plans of others alone. */
export const LATER_DRAWERS: {
  [K in LaterFault["kind"]]: Drawer<Extract<LaterFault, { kind: K }>>;
} = {
  narrow: {
    oneIn: 6,
    make: (d) => ({
      kind: "narrow",
      lasts: d.time(15_000),
      slot: d.slot(),
      server: d.server(),
      direction: d.random.pick(["toServer", "toClient"]),
      latency: d.random.pick([0, 100, 3_000]),
      bandwidth: d.random.pick([1, 3, 10]),
    }),
  },
  freezeClient: {
    oneIn: 16,
    make: (d) => ({
      kind: "freezeClient",
      slot: d.slot(),
      // The longer ones let servers forget the client.
      lasts: d.random.oneIn(2) ? d.time(15_000) : 121_000 + d.time(20_000),
    }),
  },
  leaveAt: {
    oneIn: 4,
    make: (d) => ({
      kind: "leaveAt",
      slot: d.slot(),
      moment: d.random.pick(MOMENTS),
      nth: 1 + d.random.below(3),
      how: d.random.pick(["kill", "kill", "close"]),
      lasts: 10_000 + d.time(25_000),
      timeout: d.random.pick([1, 200, 3_000, 10_000]),
    }),
  },
  recover: {
    oneIn: 10,
    make: (d) => ({ kind: "recover", slot: d.slot(), lasts: d.time(4_000) }),
  },
  untrueSuccess: {
    oneIn: 10,
    make: (d) => ({ kind: "untrueSuccess", lasts: d.time(10_000), broker: d.broker() }),
  },
};
