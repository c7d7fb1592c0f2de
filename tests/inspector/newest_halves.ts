import { decodeMessages } from "../../src/message/mod.ts";
import {
  createGetMaxOffsetRequest,
  createGetRouteInfoRequest,
  createPullMessageRequest,
  readGetMaxOffsetResponse,
  readGetRouteInfoResponse,
  readPullMessageResponse,
} from "../../src/requests/mod.ts";
import { TopicRoute } from "../../src/route/mod.ts";
import { TestClient } from "../support/test_client.ts";

/** Where a broker keeps half messages, in one queue. */
const HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";

/** The broker's own group for that topic: to read under it leaves no new group behind. */
const GROUP = "CID_RMQ_SYS_TRANS";

/** How far before the end a first look begins. */
const FIRST_LOOK = 100n;

/** Most pulls of one look. */
const MAX_PULLS = 20;

/** Finds the transactions of a topic that began since the last look, by reading half messages. */
export class NewestHalves implements AsyncDisposable {
  readonly #client: TestClient;
  readonly #nameServer: string;
  readonly #topic: string;
  readonly #offsets = new Map<string, bigint>();

  /** @param nameServers As clients take them; the first one is asked. */
  constructor(nameServers: string, topic: string) {
    this.#client = new TestClient(nameServers);
    this.#nameServer = nameServers.split(";")[0]!;
    this.#topic = topic;
  }

  /** The ids of those that are new since the last look, some of them twice. */
  async look(): Promise<string[]> {
    const lists = await Promise.all((await this.#masters()).map((address) => this.#read(address)));
    return lists.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  async #masters(): Promise<string[]> {
    const context = { address: this.#nameServer, topic: this.#topic };
    const request = createGetRouteInfoRequest(this.#topic);
    const response = await this.#client.request(this.#nameServer, request);
    const data = readGetRouteInfoResponse(response, context);
    if (!data) return [];
    const route = new TopicRoute(this.#topic, data);
    return route.brokerNames.flatMap((name) => route.masterAddress(name) ?? []);
  }

  async #read(address: string): Promise<string[]> {
    const context = { address, topic: HALF_TOPIC }, queue = { topic: HALF_TOPIC, queueId: 0 };
    const response = await this.#client.request(address, createGetMaxOffsetRequest(queue));
    const end = readGetMaxOffsetResponse(response, context);
    const first = end > FIRST_LOOK ? end - FIRST_LOOK : 0n;
    let offset = this.#offsets.get(address) ?? first;
    const ids: string[] = [];
    for (let pull = 0; offset < end && pull < MAX_PULLS; pull++) {
      const fields = { ...queue, consumerGroup: GROUP, queueOffset: offset };
      const answer = await this.#client.request(address, createPullMessageRequest(fields));
      const { body, nextBeginOffset } = readPullMessageResponse(answer, context);
      for (const { topic, messageId, properties } of await decodeMessages(body)) {
        if ((properties.REAL_TOPIC ?? topic) === this.#topic) ids.push(messageId);
      }
      if (nextBeginOffset <= offset) break;
      offset = nextBeginOffset;
    }
    this.#offsets.set(address, offset);
    return ids;
  }
}
