import { createResponse, type RemotingCommand, ResponseCode } from "../../../src/remoting/mod.ts";
import type { TopicRouteData } from "../../../src/requests/mod.ts";
import { encodeTopicRouteData } from "../../support/requests.ts";
import type { ServerEnd, SimServer } from "../network/link.ts";
import { refuseUnsigned } from "./access.ts";
import type { World } from "./context.ts";

/** Knows the routes. */
export class NameServer implements SimServer {
  readonly address: string;
  readonly #world: World;
  readonly #route: () => TopicRouteData | undefined;
  /** Faults that let it take requests and answer none. */
  silent = 0;

  /** @param route What it answers; undefined when it does not know the topic. */
  constructor(address: string, world: World, route: () => TopicRouteData | undefined) {
    this.address = address;
    this.#world = world;
    this.#route = route;
  }

  receive(link: ServerEnd, command: RemotingCommand): void {
    if (this.silent > 0) return;
    const refusal = this.#world.signs ? refuseUnsigned(command) : undefined;
    const route = this.#route();
    const answer = refusal
      ? refusal
      : route
      ? { body: encodeTopicRouteData(route) }
      : { code: ResponseCode.TOPIC_NOT_EXIST, remark: "No topic route info in name server" };
    this.#world.scheduler.after(0.1 + this.#world.random.below(8) / 8, () => {
      link.send(createResponse(command, answer));
    });
  }

  unlinked(): void {
    // It keeps nothing of its clients.
  }
}
