import type { ClientInstance, ClientSettings } from "../client/mod.ts";
import { MessageProperty } from "../message/mod.ts";
import { type RemotingCommand, ResponseCode } from "../remoting/mod.ts";
import { findTelemetry, type Telemetry } from "../telemetry.ts";
import type { TraceDispatcher } from "../trace/mod.ts";
import {
  checkMessageTrace,
  createTraceDispatcher,
  type MessageTraceOption,
  TraceWatcher,
} from "./message_trace.ts";
import { checkHooks, HookWatcher, type SendHooks, type SendKind } from "./send_hooks.ts";
import { type SendFacts, SendObservation, type SendWatcher } from "./send_observation.ts";
import { TelemetryWatcher } from "./send_telemetry.ts";

/** The options that say who looks on. */
export interface ObservationOptions {
  sendHooks?: SendHooks | readonly SendHooks[];
  messageTrace?: MessageTraceOption;
}

/** Everyone who looks on at what a producer does: hooks, message traces, telemetry. */
export class Observation {
  readonly producerGroup: string;
  readonly settings: ClientSettings;
  readonly #traceTopic: string | undefined;
  readonly #hooks: readonly HookWatcher[];
  #watchers: readonly SendWatcher[] = [];
  #traces: TraceDispatcher | undefined;
  #telemetry: Telemetry | undefined;

  constructor(options: ObservationOptions, settings: ClientSettings, producerGroup: string) {
    this.settings = settings;
    this.producerGroup = producerGroup;
    this.#traceTopic = checkMessageTrace(options.messageTrace);
    this.#hooks = checkHooks("sendHooks", options.sendHooks, ["forbid", "before", "after"])
      .map((hooks) => new HookWatcher(hooks, settings.logger));
  }

  /** The telemetry of this process, if it has any. */
  get telemetry(): Telemetry | undefined {
    return this.#telemetry;
  }

  /** Where traces go, if there are any. */
  get traces(): TraceDispatcher | undefined {
    return this.#traces;
  }

  /** Takes the client that traces go through, and looks for telemetry. */
  attach(client: ClientInstance, uniqueKey: () => string): void {
    const { settings, producerGroup } = this, topic = this.#traceTopic;
    const watchers: SendWatcher[] = [...this.#hooks];
    this.#telemetry = findTelemetry();
    if (this.#telemetry) {
      watchers.push(new TelemetryWatcher(this.#telemetry, () => client.clientId));
    }
    if (topic !== undefined) {
      this.#traces = createTraceDispatcher(client, settings, producerGroup, topic, uniqueKey);
      watchers.push(new TraceWatcher(this.#traces, topic));
    }
    this.#watchers = watchers;
  }

  /** Watches a send that is about to be prepared; undefined when nobody looks on. */
  open(kind: SendKind): SendObservation | undefined {
    if (this.#watchers.length === 0) return undefined;
    const { producerGroup, settings: { clock, logger } } = this;
    const begin = (facts: SendFacts) => {
      for (const hooks of this.#hooks) hooks.allow(facts);
      return this.#watchers.flatMap((watcher) => watcher.begin(facts) ?? []);
    };
    return new SendObservation({ kind, producerGroup, clock, logger, begin });
  }

  /** A broker has answered to the recall of a message. */
  recalled(topic: string, messageId: string, { code, extFields }: RemotingCommand): void {
    const regionId = extFields[MessageProperty.Region];
    if (!this.#traces || regionId === undefined) return;
    this.#traces.append({
      type: "Recall",
      timestamp: Math.floor(this.settings.clock.now()),
      regionId,
      producerGroup: this.producerGroup,
      topic,
      messageId,
      success: code === ResponseCode.SUCCESS,
    });
  }

  /** Sends the traces that are left, for at most `timeout` milliseconds. */
  async close(timeout: number): Promise<void> {
    await this.#traces?.close(timeout);
  }
}
