import { concat } from "../bytes.ts";
import { type Clock, Deadline, sleep, type WaitOptions, within } from "../clock.ts";
import { ConnectionError, describe, ProtocolError } from "../errors.ts";
import type { Logger, ThrottledLogger } from "../logger.ts";
import { formatAddress, readAddress } from "../route/mod.ts";

/**
 * Gets a URL: the part of the web's `fetch` that is used here. Another one can add headers, trust
 * another authority, or go through a proxy.
 */
export type Fetch = (
  url: string,
  init: {
    /** Aborts when the time is over, or nobody needs the answer. */
    signal: AbortSignal;
    /** Redirects are not followed. */
    redirect: "manual";
    /** Headers of the request, by name. */
    headers: Record<string, string>;
  },
) => Promise<Response>;

/** The settings of a list from a URL. */
interface NameServerListOptions {
  /** URL of the list. */
  url: string;
  /** Fetches the list. */
  fetch: Fetch;
  clock: Clock;
  logger: Logger;
  warnings: ThrottledLogger;
  /** Milliseconds for one fetch. */
  requestTimeout: number;
  /** Takes each list that was fetched. */
  onList: (addresses: string[]) => void;
}

/** Most bytes of a list. */
const MAX_BYTES = 64 * 1024;

/** Most name servers of a list. */
const MAX_ENTRIES = 256;

/** Milliseconds before the next attempt at a list that `start()` waits for. */
const RETRY_DELAY = 500;

/** Fetches with the runtime's own `fetch`. Needs `--allow-net` for the host of the URL. */
export const fetchUrl: Fetch = (url, init) => fetch(url, init);

/**
 * Fetches the list of name servers from a URL. It is the first line of the body that is not empty, in
 * the form that the official clients read: `host:port;host:port`.
 */
export class NameServerList {
  readonly #options: NameServerListOptions;
  /** The URL without its parts that may be secret. */
  readonly #shown: string;
  readonly #closing = new AbortController();

  constructor(options: NameServerListOptions) {
    this.#options = options;
    this.#shown = showUrl(options.url);
  }

  /**
   * Fetches until there is a list, or no time is left.
   *
   * @throws {ConnectionError} when the server can't be reached or refuses, or the time is over.
   * @throws {ProtocolError} when the body is no list.
   */
  async begin(options: WaitOptions): Promise<void> {
    const { clock, requestTimeout, onList, logger } = this.#options;
    const { signal } = options;
    const deadline = new Deadline(clock, options.timeout);
    for (;;) {
      try {
        const timeout = Math.min(requestTimeout, deadline.remaining);
        return onList(await this.#get({ timeout, signal }));
      } catch (error) {
        const mayHelp = error instanceof ConnectionError && error.isRetriable;
        if (!mayHelp || deadline.remaining <= RETRY_DELAY) throw error;
        logger.debug(`${describe(error)}; trying again`);
        await sleep(clock, RETRY_DELAY, signal).catch(() => {});
      }
    }
  }

  /** Fetches once more. If there is no valid list, the old one stays. */
  async poll(): Promise<void> {
    const { requestTimeout, onList, warnings } = this.#options;
    const { signal } = this.#closing;
    try {
      onList(await this.#get({ timeout: requestTimeout, signal }));
    } catch (error) {
      if (signal.aborted) return;
      warnings.warn("name servers", `Kept the known name servers: ${describe(error)}`);
    }
  }

  /** Ends a fetch that is under way. */
  close(): void {
    this.#closing.abort(new Error("the client is closed"));
  }

  async #get(options: WaitOptions): Promise<string[]> {
    const gone = new AbortController();
    try {
      return await within(
        this.#options.clock,
        this.#read(gone.signal),
        options,
        (failure, cause) =>
          failure === "ABORTED"
            ? this.#failure("ABORTED", "the caller aborted it", { cause })
            : this.#failure("TIMEOUT", `no answer within ${Math.round(options.timeout)} ms`, {
              isRetriable: true,
            }),
      );
    } finally {
      gone.abort();
    }
  }

  async #read(signal: AbortSignal): Promise<string[]> {
    let response: Response;
    try {
      const headers = { accept: "text/plain" };
      response = await this.#options.fetch(this.#options.url, {
        signal,
        redirect: "manual",
        headers,
      });
    } catch (cause) {
      throw this.#unreachable(cause);
    }
    const { status } = response;
    if (status !== 200) {
      await response.body?.cancel().catch(() => {});
      const why = status >= 300 && status < 400 ? ": redirects are not followed" : "";
      throw this.#failure(
        "CONNECT_FAILED",
        `the server answered with HTTP status ${status}${why}`,
        {
          isRetriable: status >= 500 || status === 429,
        },
      );
    }
    let text: string;
    try {
      text = await readText(response.body);
    } catch (cause) {
      if (cause instanceof RangeError) throw this.#noList(cause.message);
      throw this.#unreachable(cause);
    }
    return this.#parse(text);
  }

  #parse(text: string): string[] {
    const line = text.split(/[\r\n]+/).map((it) => it.trim()).find((it) => it !== "") ?? "";
    const addresses = new Set<string>();
    for (const entry of line.split(";").map((it) => it.trim()).filter((it) => it !== "")) {
      const address = readAddress(entry);
      if (typeof address === "string") throw this.#noList(`an entry is not host:port: ${address}`);
      addresses.add(formatAddress(address));
    }
    if (addresses.size === 0) throw this.#noList("it names no name server");
    if (addresses.size > MAX_ENTRIES) {
      throw this.#noList(`it names ${addresses.size} name servers, at most ${MAX_ENTRIES} may be`);
    }
    return [...addresses];
  }

  #unreachable(cause: unknown): ConnectionError {
    const { name } = cause as Error;
    if (name === "NotCapable" || name === "PermissionDenied") {
      const host = new URL(this.#options.url).host;
      const reason = `this program may not, run it with --allow-net=${host} or --allow-net`;
      return this.#failure("CONNECT_FAILED", reason, { cause });
    }
    return this.#failure("CONNECT_FAILED", explainFetch(cause), { isRetriable: true });
  }

  #failure(
    code: "CONNECT_FAILED" | "TIMEOUT" | "ABORTED",
    reason: string,
    facts: { isRetriable?: boolean; cause?: unknown },
  ): ConnectionError {
    const message = `Cannot get the list of name servers from ${this.#shown}: ${reason}`;
    return new ConnectionError(code, message, { address: this.#shown, ...facts });
  }

  #noList(reason: string): ProtocolError {
    return new ProtocolError(
      `Cannot use the list of name servers from ${this.#shown}: ${reason}. ` +
        'Its first line has to be "host:port;host:port"',
      { address: this.#shown },
    );
  }
}

/** Returns a URL without user, password, query and fragment. */
function showUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** Returns the reason that the runtime gives, without the URL, of which it shows everything. */
function explainFetch(error: unknown): string {
  const text = describe(
    error instanceof Error && error.cause instanceof Error ? error.cause : error,
  );
  const [, end = "the server can't be reached"] = /:\/\/.*\): (.*)$/.exec(text) ?? [];
  return text.includes("://") ? end : text;
}

async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (!body) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new RangeError(`it has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(concat(chunks));
  } catch {
    throw new RangeError("it is not UTF-8 text");
  }
}
