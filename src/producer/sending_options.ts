import { checkCount, checkNames, checkTime, namesOf } from "../checks.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { LatencyTable } from "./latency_faults.ts";
import type { SendGateLimits } from "./send_gate.ts";

/**
 * Configures how brokers that take messages slowly, or not at all, are passed over. The defaults are
 * those of the Java client. Times are milliseconds.
 */
export interface LatencyFaultToleranceOptions {
  /**
   * From how long a send was slow, the shortest time first. A send that failed counts as 10000.
   *
   * @default {[50, 100, 550, 1800, 3000, 5000, 15000]}
   */
  latencyMax?: readonly number[];
  /**
   * For how long its broker is passed over then, entry by entry of `latencyMax`.
   *
   * @default {[0, 0, 2000, 5000, 6000, 10000, 30000]}
   */
  notAvailableDuration?: readonly number[];
  /**
   * Passes over a broker that did not answer until it answers a probe. Without, it is passed over only
   * until its time is over.
   *
   * @default {true}
   */
  detector?: boolean;
  /**
   * Milliseconds between two rounds of probes.
   *
   * @default {3000}
   */
  detectInterval?: number;
  /**
   * Milliseconds for the answer to a probe.
   *
   * @default {200}
   */
  detectTimeout?: number;
}

/** Configures a producer for load, and for slow brokers. Sizes are bytes. */
export interface SendingOptions {
  /**
   * Passes over brokers that were slow or failed lately while others can take a message, transactional
   * messages included. A queue that was chosen is kept to.
   *
   * @default {false}
   */
  latencyFaultTolerance?: boolean | LatencyFaultToleranceOptions;
  /**
   * Most sends under way at once, those of transactional messages included. Further ones wait, within
   * their timeout, and go in their order.
   *
   * @default {16384}
   */
  maxSendsInFlight?: number;
  /**
   * Most bytes of bodies and properties under way at once; a message that is larger goes alone.
   * Further ones wait.
   *
   * @default {33554432}
   */
  maxSendBytesInFlight?: number;
  /**
   * Most sends that wait for their turn; beyond it one fails immediately as `OVERLOADED`.
   *
   * @default {65536}
   */
  maxSendsWaiting?: number;
  /**
   * Most bytes of bodies and properties that wait for their turn.
   *
   * @default {268435456}
   */
  maxSendBytesWaiting?: number;
}

/** Holds the options of latency fault tolerance, checked and complete. */
export interface FaultToleranceSettings extends LatencyTable {
  /** See {@linkcode LatencyFaultToleranceOptions.detector}. */
  readonly detector: boolean;
  /** See {@linkcode LatencyFaultToleranceOptions.detectInterval}. */
  readonly detectInterval: number;
  /** See {@linkcode LatencyFaultToleranceOptions.detectTimeout}. */
  readonly detectTimeout: number;
}

/** Holds the options of sending, checked and complete. */
export interface SendingSettings extends SendGateLimits {
  /** Undefined when it is off. */
  readonly faultTolerance: FaultToleranceSettings | undefined;
}

const LATENCY_MAX = [50, 100, 550, 1_800, 3_000, 5_000, 15_000];
const NOT_AVAILABLE_DURATION = [0, 0, 2_000, 5_000, 6_000, 10_000, 30_000];

/** Most entries of a latency table. */
const MAX_TABLE_LENGTH = 100;

/** Checks the options and adds the defaults. @throws {InvalidArgumentError} */
export function resolveSendingOptions(options: SendingOptions): SendingSettings {
  const bytes = (name: keyof SendGateLimits, fallback: number) =>
    checkCount(name, options[name], { fallback, min: 1, max: 2 ** 40, unit: " bytes" });
  return {
    faultTolerance: resolveFaultTolerance(options.latencyFaultTolerance),
    maxSendsInFlight: checkCount("maxSendsInFlight", options.maxSendsInFlight, {
      fallback: 16_384,
      min: 1,
      max: 1e6,
    }),
    maxSendBytesInFlight: bytes("maxSendBytesInFlight", 32 * 1024 * 1024),
    maxSendsWaiting: checkCount("maxSendsWaiting", options.maxSendsWaiting, {
      fallback: 65_536,
      min: 0,
      max: 1e6,
    }),
    maxSendBytesWaiting: bytes("maxSendBytesWaiting", 256 * 1024 * 1024),
  };
}

const FAULT_TOLERANCE_OPTIONS = namesOf<LatencyFaultToleranceOptions>({
  latencyMax: true,
  notAvailableDuration: true,
  detector: true,
  detectInterval: true,
  detectTimeout: true,
});

function resolveFaultTolerance(
  options: boolean | LatencyFaultToleranceOptions | undefined,
): FaultToleranceSettings | undefined {
  if (options === undefined || options === false) return undefined;
  if (options === null || (typeof options !== "object" && options !== true)) {
    throw new InvalidArgumentError(
      "Cannot use option latencyFaultTolerance: it must be true, false or an object of its settings",
    );
  }
  const given: LatencyFaultToleranceOptions = options === true ? {} : options;
  checkNames(given, FAULT_TOLERANCE_OPTIONS, "latencyFaultTolerance option");
  const detector: unknown = given.detector ?? true;
  if (typeof detector !== "boolean") {
    throw new InvalidArgumentError("Cannot use option detector: it must be true or false");
  }
  return {
    ...checkTable(given),
    detector,
    detectInterval: checkTime("detectInterval", given.detectInterval, 3_000),
    detectTimeout: checkTime("detectTimeout", given.detectTimeout, 200),
  };
}

function checkTable(
  { latencyMax = LATENCY_MAX, notAvailableDuration = NOT_AVAILABLE_DURATION }:
    LatencyFaultToleranceOptions,
): LatencyTable {
  checkTimes("latencyMax", latencyMax);
  checkTimes("notAvailableDuration", notAvailableDuration);
  if (latencyMax.length !== notAvailableDuration.length) {
    throw new InvalidArgumentError(
      `Cannot use option latencyMax: it has ${latencyMax.length} entries and notAvailableDuration ` +
        `${notAvailableDuration.length}, the same number is needed`,
    );
  }
  if (latencyMax.some((limit, index) => index > 0 && limit <= latencyMax[index - 1]!)) {
    throw new InvalidArgumentError(
      "Cannot use option latencyMax: each entry must be greater than the one before",
    );
  }
  return { latencyMax: [...latencyMax], notAvailableDuration: [...notAvailableDuration] };
}

function checkTimes(name: string, times: unknown): void {
  if (!Array.isArray(times) || times.length === 0 || times.length > MAX_TABLE_LENGTH) {
    throw new InvalidArgumentError(
      `Cannot use option ${name}: it must be a list of 1 to ${MAX_TABLE_LENGTH} times`,
    );
  }
  for (const time of times) checkCount(name, time, { min: 0, max: 2 ** 31 - 1, unit: " ms" });
}
