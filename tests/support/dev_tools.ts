/** What the Chrome DevTools Protocol answers and tells, as JSON. */
// deno-lint-ignore no-explicit-any
export type Json = any;

/** An event of a browser. */
export interface DevToolsEvent {
  /** Its name, as `Network.requestWillBeSent`. */
  method: string;
  /** What it says. */
  params: Json;
}

interface Answer {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: Json;
  result?: Json;
  error?: { message: string };
}

/** Milliseconds after which a command counts as unanswered. */
const COMMAND_TIMEOUT = 30_000;

/** A connection to a browser by the Chrome DevTools Protocol. */
export class DevTools implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #closed: Promise<void>;
  readonly #waiting = new Map<number, PromiseWithResolvers<Json>>();
  readonly #listeners = new Map<string, (event: DevToolsEvent) => void>();
  #lastId = 0;

  /** @param socket An open one. */
  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.addEventListener("close", () => {
        for (const { reject } of this.#waiting.values()) reject(new Error("The browser is gone"));
        this.#waiting.clear();
        resolve();
      });
    });
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
  }

  /** Whether the browser is there. */
  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Sends a command, to a page or to the browser itself, and gives its result. */
  async send(method: string, params: Json = {}, sessionId?: string): Promise<Json> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<Json>();
    this.#waiting.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    const timer = setTimeout(
      () => answer.reject(new Error(`The browser did not answer ${method}`)),
      COMMAND_TIMEOUT,
    );
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Has the events of a page told. */
  listen(sessionId: string, listener: (event: DevToolsEvent) => void): void {
    this.#listeners.set(sessionId, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#closed;
  }

  #take({ id, sessionId = "", method, params, result, error }: Answer): void {
    if (id === undefined) return this.#listeners.get(sessionId)?.({ method: method!, params });
    if (error) this.#waiting.get(id)?.reject(new Error(error.message));
    else this.#waiting.get(id)?.resolve(result);
  }
}

/** Connects to a browser. */
export async function openDevTools(url: string): Promise<DevTools> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error(`Cannot connect to ${url}`)), {
      once: true,
    });
  });
  return new DevTools(socket);
}
