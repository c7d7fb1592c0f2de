import { InvalidArgumentError, printable } from "../errors.ts";
import { type RemotingRequest, RequestCode, withFields } from "../remoting/internal.ts";

const SEPARATOR = "%";

/** The prefixes of the topics of consumer groups: they stand before the namespace. */
const GROUP_TOPIC_PREFIX = /^%(?:RETRY|DLQ)%/;

/** Topics of the system. Every namespace sees the same ones. */
const SYSTEM_TOPICS: ReadonlySet<string> = new Set([
  "TBW102",
  "SCHEDULE_TOPIC_XXXX",
  "BenchmarkTest",
  "RMQ_SYS_TRANS_HALF_TOPIC",
  "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC",
  "RMQ_SYS_TRACE_TOPIC",
  "RMQ_SYS_TRANS_OP_HALF_TOPIC",
  "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC",
  "TRANS_CHECK_MAX_TIME_TOPIC",
  "SELF_TEST_TOPIC",
  "OFFSET_MOVED_EVENT",
  "CHECKPOINT_TOPIC",
]);

/** First characters of the names of further topics and of consumer groups of the system. */
const SYSTEM_PREFIX = /^(?:rmq_sys_|CID_RMQ_SYS_)/;

/**
 * Returns the name by which servers know a topic or group of a namespace (version 1): `ns%orders`,
 * `%RETRY%ns%group`, `%DLQ%ns%group`. Names of the system, and those that are in the namespace
 * already, stay as they are. So does every name when there is no namespace.
 */
export function wrapNamespace(namespace: string | undefined, name: string): string {
  if (!namespace || name === "" || isSystemName(name) || isInNamespace(namespace, name)) {
    return name;
  }
  const [prefix, rest] = splitName(name);
  return prefix + namespace + SEPARATOR + rest;
}

/**
 * Returns the name by which applications know a topic or group: undoes {@linkcode wrapNamespace}.
 * Names that are not in the namespace stay as they are.
 */
export function unwrapNamespace(namespace: string | undefined, name: string): string {
  if (!namespace || isSystemName(name) || !isInNamespace(namespace, name)) return name;
  const [prefix, rest] = splitName(name);
  return prefix + rest.slice(namespace.length + 1);
}

/** Returns the namespace in the name of a topic or group, if it has one. */
export function namespaceOf(name: string): string | undefined {
  const [, rest] = splitName(name);
  const end = rest.indexOf(SEPARATOR);
  return end > 0 && !isSystemName(name) ? rest.slice(0, end) : undefined;
}

/** Puts a request into a namespace of version 2: its names stay as they are, `nsd` and `ns` are added. */
export function addNamespace(namespace: string, request: RemotingRequest): RemotingRequest {
  return withFields(request, { ...request.extFields, nsd: "true", ns: namespace });
}

/**
 * Checks the name of a namespace.
 *
 * @param version Names of version 1 become part of topics and groups. So they have only the characters
 * of these, and no `%`.
 * @throws {InvalidArgumentError} naming the value and what is allowed.
 */
export function checkNamespace(version: 1 | 2, namespace: unknown): asserts namespace is string {
  const [pattern, allowed] = version === 1
    ? [/^[\w|-]{1,100}$/, "1 to 100 of the characters A-Z a-z 0-9 _ - |"]
    : [/^[^\p{Cc}\p{Cs}]{1,255}$/u, "1 to 255 characters that can be printed"];
  if (typeof namespace === "string" && pattern.test(namespace)) return;
  throw new InvalidArgumentError(
    `Cannot use the namespace "${printable(String(namespace), 64)}": it has to be ${allowed}`,
  );
}

function isSystemName(name: string): boolean {
  return SYSTEM_TOPICS.has(name) || SYSTEM_PREFIX.test(name);
}

function isInNamespace(namespace: string, name: string): boolean {
  return splitName(name)[1].startsWith(namespace + SEPARATOR);
}

/** Returns the prefix of a name, `%RETRY%` or `%DLQ%` or none, and what follows it. */
function splitName(name: string): [prefix: string, rest: string] {
  const prefix = GROUP_TOPIC_PREFIX.exec(name)?.[0] ?? "";
  return [prefix, name.slice(prefix.length)];
}

/** The header fields that name a topic or a group, by the names that most requests have for them. */
const NAME_FIELDS = ["topic", "producerGroup", "consumerGroup"] as const;

/** The names of these fields in requests with one-letter names. */
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
 * application gave. On the wire they carry the namespace.
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

  /** Returns the name by which servers know a topic or group. */
  wrap(name: string): string {
    return this.#exempt.has(name) ? name : wrapNamespace(this.name, name);
  }

  /** Returns the name by which the application knows a topic or group. */
  unwrap(name: string): string {
    return unwrapNamespace(this.name, name);
  }

  /** Leaves a name as it is from now on. All namespaces share the topic of a cluster for replies. */
  exempt(name: string): void {
    if (this.#exempt.size < MAX_EXEMPT) this.#exempt.add(name);
  }

  /** Returns a request with the names in its header as servers know them. */
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
