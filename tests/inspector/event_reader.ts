import type { Json } from "../support/dev_tools.ts";

/** An event of a stream of Server-Sent Events. */
export interface ServerEvent {
  /** Its kind. */
  event: string;
  /** What a browser would send to go on after it. */
  id: string;
  /** What it says. */
  data: Json;
}

/** Reads Server-Sent Events as a browser does. */
export class EventReader implements AsyncDisposable {
  /** The status of the response. */
  readonly status: number;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(response: Response) {
    this.status = response.status;
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Asks for the events of an inspector, after one that is known or all of them. */
  static async open(url: string, lastEventId?: string): Promise<EventReader> {
    const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    return new EventReader(await fetch(`${url}events`, { headers }));
  }

  /** The next event, or nothing when the stream has ended. */
  async next(): Promise<ServerEvent | undefined> {
    while (!this.#text.includes("\n\n")) {
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#text += value;
    }
    const end = this.#text.indexOf("\n\n");
    const fields = new Map(
      this.#text.slice(0, end).split("\n").map((line) =>
        line.split(/: (.*)/s, 2) as [string, string]
      ),
    );
    this.#text = this.#text.slice(end + 2);
    return {
      event: fields.get("event") ?? "message",
      id: fields.get("id") ?? "",
      data: JSON.parse(fields.get("data") ?? "null"),
    };
  }

  /** The next event of a kind. */
  async nextOf(kind: string): Promise<ServerEvent> {
    for (let found = await this.next(); found; found = await this.next()) {
      if (found.event === kind) return found;
    }
    throw new Error(`The stream ended before ${kind}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}
