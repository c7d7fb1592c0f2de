import { type RemotingRequest, RequestCode, withFields } from "../remoting/internal.ts";
import { checkNamespace, unwrapNamespace, wrapNamespace } from "./namespace.ts";

/** The header fields that name a topic or a group, by the names that most requests have for them. */
const NAME_FIELDS = ["topic", "producerGroup", "consumerGroup"] as const;

/** The same in requests with one-letter names. */
const SHORT_NAME_FIELDS = ["a", "b"] as const;

const SHORT_NAMED: ReadonlySet<number> = new Set([
  RequestCode.SEND_MESSAGE_V2,
  RequestCode.SEND_BATCH_MESSAGE,
  RequestCode.SEND_REPLY_MESSAGE_V2,
]);

/** Most names that are left as they are, beside those of the system. */
const MAX_EXEMPT = 64;

/**
 * The namespace (version 1) of one client. The client knows topics and groups by the names that the
 * application gave; on the wire they carry the namespace.
 */
export class ClientNamespace {
  /** Name of the namespace. */
  readonly name: string;
  readonly #exempt = new Set<string>();

  /** @throws {InvalidArgumentError} when the name can't be part of a topic. */
  constructor(name: string) {
    checkNamespace(1, name);
    this.name = name;
  }

  /** The name that servers know a topic or group by. */
  wrap(name: string): string {
    return this.#exempt.has(name) ? name : wrapNamespace(this.name, name);
  }

  /** The name that the application knows a topic or group by. */
  unwrap(name: string): string {
    return unwrapNamespace(this.name, name);
  }

  /** Leaves a name as it is from now on: that of a cluster's topic for replies, one for all namespaces. */
  exempt(name: string): void {
    if (this.#exempt.size < MAX_EXEMPT) this.#exempt.add(name);
  }

  /** The same request with the names in its header as servers know them. */
  request(request: RemotingRequest): RemotingRequest {
    const { extFields } = request;
    if (extFields === undefined) return request;
    const renamed: Record<string, string> = {};
    for (const field of SHORT_NAMED.has(request.code) ? SHORT_NAME_FIELDS : NAME_FIELDS) {
      const name = extFields[field];
      if (name !== undefined) renamed[field] = this.wrap(name);
    }
    return withFields(request, { ...extFields, ...renamed });
  }
}
