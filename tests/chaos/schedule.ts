import { Random } from "../fuzz/random.ts";
import type { NetworkFaults } from "../support/fault_proxy.ts";

/** The kinds of faults. */
export const FAULT_KINDS = [
  "kill",
  "freeze",
  "nameserver",
  "producer",
  "network",
  "pause",
  "proxy",
  "failover",
  "lag",
] as const;

/** One of the kinds of faults. */
export type FaultKind = typeof FAULT_KINDS[number];

/** How often each kind of fault comes. */
export type FaultCounts = Partial<Record<FaultKind, number>>;

/** How often a kind comes when nobody says so. */
export const DEFAULT_COUNTS: Required<FaultCounts> = {
  kill: 3,
  freeze: 3,
  nameserver: 2,
  producer: 1,
  network: 6,
  pause: 1,
  proxy: 2,
  failover: 1,
  lag: 1,
};

/** What a network does for some seconds. */
export interface NetworkTrouble {
  /** Its name in the report. */
  name: "cut" | "reset" | "slow" | "hang" | "limit" | "slices";
  /** Whether connections end: what is on its way on them is lost. */
  isCutting: boolean;
  faults: NetworkFaults;
}

/** A fault that is going to come. Times are milliseconds since the beginning of the sends. */
export interface PlannedFault {
  kind: FaultKind;
  at: number;
  /** For how long, in milliseconds. */
  duration: number;
  /** Which of the brokers or name servers. */
  target: number;
  /** Of a network. */
  trouble?: NetworkTrouble;
}

/** What a schedule is drawn for. */
export interface ScheduleOptions {
  seed: number;
  /** Milliseconds of sending. */
  duration: number;
  counts: FaultCounts;
  /** Number of brokers, and of name servers. */
  brokers: number;
  nameServers: number;
  /** Number of proxies. Default: none. */
  proxies?: number;
  /** Number of brokers that have a slave. Default: none. */
  replicated?: number;
}

/**
 * Draws when what goes wrong: the faults are spread over the sending, so that it goes on after the
 * last one. A kind comes evenly, and meets the others where chance wants it.
 */
export function drawSchedule(options: ScheduleOptions): PlannedFault[] {
  const random = new Random(options.seed);
  const troubles = shuffle(networkTroubles(random), random);
  const faults: PlannedFault[] = [];
  for (const kind of FAULT_KINDS) {
    const count = options.counts[kind] ?? 0;
    const slot = options.duration * 0.8 / Math.max(count, 1);
    for (let i = 0; i < count; i++) {
      const at = options.duration * 0.08 + slot * i + random.below(Math.ceil(slot * 0.6));
      const targets = targetsOf(kind, options);
      const fault = { kind, at: Math.round(at), target: random.below(targets) };
      if (kind !== "network") faults.push({ ...fault, duration: durationOf(kind, random) });
      else {
        const trouble = troubles[i % troubles.length]!;
        faults.push({ ...fault, trouble, duration: durationOf(kind, random) });
      }
    }
  }
  return faults.sort((a, b) => a.at - b.at);
}

function targetsOf(kind: FaultKind, options: ScheduleOptions): number {
  switch (kind) {
    case "nameserver":
      return options.nameServers;
    case "proxy":
      return options.proxies ?? 0;
    case "failover":
    case "lag":
      return options.replicated ?? 0;
    default:
      return options.brokers;
  }
}

/** A broker that froze does so for as long as in the figures of other clients. */
function durationOf(kind: FaultKind, random: Random): number {
  switch (kind) {
    case "kill":
      return 500 + random.below(2_000);
    case "freeze":
    case "pause":
      return 8_000;
    case "failover":
      return 10_000;
    case "lag":
      return 4_000;
    case "nameserver":
    case "proxy":
      return 1_000 + random.below(4_000);
    case "producer":
      return 6_000;
    case "network":
      return 2_000 + random.below(3_000);
  }
}

function networkTroubles(random: Random): NetworkTrouble[] {
  const limit = () => 500 + random.below(5_000);
  return [
    { name: "cut", isCutting: true, faults: {} },
    { name: "reset", isCutting: true, faults: {} },
    {
      name: "slow",
      isCutting: false,
      faults: {
        toServer: { latency: 150, jitter: 150, bandwidth: 64 * 1024 },
        toClient: { latency: 150, jitter: 150 },
      },
    },
    {
      name: "hang",
      isCutting: false,
      faults: random.oneIn(2)
        ? { toServer: { hang: true }, toClient: { hang: true } }
        : { toClient: { hang: true } },
    },
    {
      name: "limit",
      isCutting: true,
      faults: { toServer: { limit: limit() }, toClient: { limit: limit() } },
    },
    {
      name: "slices",
      isCutting: false,
      faults: { toServer: { slice: 64 }, toClient: { slice: 7 } },
    },
  ];
}

function shuffle<T>(list: T[], random: Random): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}
