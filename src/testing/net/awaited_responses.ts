import type { Clock } from "../../clock.ts";
import type { RemotingCommand } from "../../remoting/mod.ts";
import type { ServerConnection } from "./server_connection.ts";

/** Takes the answer of a client, or nothing when none will come. */
type Settle = (response?: RemotingCommand) => void;

/** The answers that a server waits for. */
export class AwaitedResponses {
  readonly #clock: Clock;
  readonly #waiting = new Map<ServerConnection, Map<number, Settle>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer to request `opaque`; nothing when none comes within `timeout` milliseconds. */
  expect(
    connection: ServerConnection,
    opaque: number,
    timeout: number,
  ): Promise<RemotingCommand | undefined> {
    const { promise, resolve } = Promise.withResolvers<RemotingCommand | undefined>();
    if (!connection.isOpen) return Promise.resolve(undefined);
    let waiting = this.#waiting.get(connection);
    if (!waiting) this.#waiting.set(connection, waiting = new Map());
    const settle: Settle = (response) => {
      this.#clock.clearTimer(timer);
      waiting.delete(opaque);
      resolve(response);
    };
    const timer = this.#clock.setTimer(settle, timeout);
    waiting.set(opaque, settle);
    return promise;
  }

  /** Takes an answer. One that nobody waits for any more is dropped. */
  settle(connection: ServerConnection, response: RemotingCommand): void {
    this.#waiting.get(connection)?.get(response.opaque)?.(response);
  }

  /** Waits no longer for the answers of a connection: it is over. */
  forget(connection: ServerConnection): void {
    for (const settle of [...this.#waiting.get(connection)?.values() ?? []]) settle();
    this.#waiting.delete(connection);
  }
}
