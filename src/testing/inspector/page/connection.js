// The stream of changes, made again when it is lost.
/** @import { ChangesEvent, HelloEvent } from "../event_streams.ts" */

const FIRST_DELAY = 1000;
const MAX_DELAY = 15000;

/**
 * @typedef {object} ConnectionListener
 * @property {(greeting: HelloEvent) => void} hello
 * @property {(update: ChangesEvent) => void} changes
 * @property {(isLive: boolean) => void} live
 */

export class Connection {
  lastId = "";
  heartbeat = 10_000;
  delay = FIRST_DELAY;
  heardAt = Date.now();
  /** @type {EventSource} */
  events;
  isWaiting = false;

  /** @param {ConnectionListener} listener */
  constructor(listener) {
    this.listener = listener;
    this.events = this.open();
    setInterval(() => this.watch(), 1000);
  }

  open() {
    const after = this.lastId ? `?after=${encodeURIComponent(this.lastId)}` : "";
    const events = new EventSource(`/events${after}`);
    this.heardAt = Date.now();
    events.addEventListener("hello", (event) => {
      /** @type {HelloEvent} */
      const greeting = JSON.parse(event.data);
      this.heartbeat = greeting.heartbeat;
      this.delay = FIRST_DELAY;
      this.heard();
      this.listener.hello(greeting);
      this.listener.live(true);
    });
    events.addEventListener("changes", (event) => {
      this.lastId = event.lastEventId;
      this.heard();
      this.listener.changes(JSON.parse(event.data));
    });
    events.addEventListener("heartbeat", () => this.heard());
    events.addEventListener("error", () => {
      this.listener.live(false);
      // A browser gives up by itself when the answer was no stream.
      if (events.readyState === EventSource.CLOSED) this.again();
    });
    return events;
  }

  heard() {
    this.heardAt = Date.now();
  }

  /** Finds a connection that is dead without an error: after sleep, for one. */
  watch() {
    if (this.isWaiting || Date.now() - this.heardAt < 3 * this.heartbeat) return;
    this.listener.live(false);
    this.again();
  }

  again() {
    if (this.isWaiting) return;
    this.events.close();
    this.isWaiting = true;
    setTimeout(() => {
      this.isWaiting = false;
      this.events = this.open();
    }, this.delay);
    this.delay = Math.min(MAX_DELAY, this.delay * 2);
  }
}
