import type { ClientInstance, ClientSettings } from "../client/mod.ts";
import { Deadline, type TimerHandle } from "../clock.ts";
import { describe } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";
import { createGetMaxOffsetRequest } from "../requests/mod.ts";
import { LatencyFaults } from "./latency_faults.ts";
import type { FaultToleranceSettings } from "./sending_options.ts";

/**
 * Probes the brokers that can't be reached, with a request for the end of a queue, until they answer.
 * While all can be reached it does nothing.
 */
export class FaultDetector {
  /** Notes which brokers can't be reached. */
  readonly faults: LatencyFaults;
  readonly #client: ClientInstance;
  readonly #settings: Pick<ClientSettings, "clock" | "logger">;
  readonly #options: FaultToleranceSettings;
  readonly #stopping = new AbortController();
  #timer: TimerHandle | undefined;
  #round: Promise<void> | undefined;

  /** Sends no probes without `options.detector`; brokers are passed over for their time only then. */
  constructor(
    client: ClientInstance,
    settings: Pick<ClientSettings, "clock" | "logger">,
    options: FaultToleranceSettings,
  ) {
    this.#client = client;
    this.#settings = settings;
    this.#options = options;
    const start = options.detector ? () => this.#start() : undefined;
    this.faults = new LatencyFaults(settings.clock, options, start);
  }

  /** Probes no more. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the producer is shut down"));
    if (this.#timer !== undefined) this.#settings.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    await this.#round;
  }

  #start(): void {
    if (this.#timer !== undefined || this.#round || this.#stopping.signal.aborted) return;
    this.#timer = this.#settings.clock.setTimer(() => {
      this.#timer = undefined;
      this.#round = this.#probeAll().finally(() => {
        this.#round = undefined;
        if (this.faults.unreachableQueues().length > 0) this.#start();
      });
    }, this.#options.detectInterval);
  }

  async #probeAll(): Promise<void> {
    await Promise.all(this.faults.unreachableQueues().map((queue) => this.#probe(queue)));
  }

  /** Any answer will do: a broker that refuses is there. */
  async #probe({ brokerName, topic, queueId }: MessageQueue): Promise<void> {
    const { clock, logger } = this.#settings;
    if (this.#client.peekRoute(topic)?.masterAddress(brokerName) === undefined) {
      return this.faults.forget(brokerName);
    }
    const { signal } = this.#stopping;
    const deadline = new Deadline(clock, this.#options.detectTimeout);
    const rest = () => ({ timeout: deadline.remaining, signal });
    try {
      const connection = await this.#client.brokerConnection(brokerName, rest());
      const request = createGetMaxOffsetRequest({ topic, queueId, bname: brokerName });
      await connection.request(request, rest());
      this.faults.setReachable(brokerName);
      logger.info(`Broker "${brokerName}" can be reached again`);
    } catch (error) {
      logger.debug(`Broker "${brokerName}" can't be reached yet: ${describe(error)}`);
    }
  }
}
