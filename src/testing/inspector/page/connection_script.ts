/** The stream of changes, made again when it is lost. */
export const CONNECTION_SCRIPT = `// The stream of changes, made again when it is lost.
const FIRST_DELAY = 1000;
const MAX_DELAY = 15000;

export class Connection {
  // listener: { hello(greeting), changes(update), live(isLive) }
  constructor(listener) {
    this.listener = listener;
    this.lastId = "";
    this.heartbeat = 10000;
    this.delay = FIRST_DELAY;
    this.heardAt = Date.now();
    this.events = null;
    this.timer = null;
    this.open();
    setInterval(() => this.watch(), 1000);
  }

  open() {
    const after = this.lastId ? "?after=" + encodeURIComponent(this.lastId) : "";
    const events = new EventSource("/events" + after);
    this.events = events;
    this.heardAt = Date.now();
    events.addEventListener("hello", (event) => {
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
  }

  heard() {
    this.heardAt = Date.now();
  }

  // A connection may be dead without an error: after sleep, for one.
  watch() {
    if (this.timer !== null || Date.now() - this.heardAt < 3 * this.heartbeat) return;
    this.listener.live(false);
    this.again();
  }

  again() {
    if (this.timer !== null) return;
    this.events.close();
    this.timer = setTimeout(() => {
      this.timer = null;
      this.open();
    }, this.delay);
    this.delay = Math.min(MAX_DELAY, this.delay * 2);
  }
}
`;
