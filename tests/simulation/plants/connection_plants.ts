import type { Plant } from "./plant.ts";

const CLIENT = "src/client/client_instance.ts";
const LINKS = "src/client/broker_links.ts";
const POOL = "src/client/connection_pool.ts";
const PENDING = "src/transport/pending_requests.ts";
const PRODUCER = "src/transaction/transaction_producer.ts";

/** Known faults in connections, membership and shutdown. */
export const CONNECTION_PLANTS: readonly Plant[] = [
  {
    name: "registered-without-a-heartbeat",
    file: LINKS,
    old: `      const response = await connection.request(heartbeat(), { timeout: requestTimeout });
      readHeartbeatResponse(response, { address, brokerName });
    } catch (error) {`,
    new: `      void heartbeat;
    } catch (error) {`,
    foundBy: ["S1"],
  },
  {
    name: "heartbeats-end-after-the-first",
    file: CLIENT,
    old: `this.#work.every("heartbeats", heartbeatInterval, () => this.#heartbeat());`,
    new: "",
    foundBy: ["S1", "L1"],
  },
  {
    name: "routes-never-looked-at-again",
    file: CLIENT,
    old: `this.#work.every("routes", routePollInterval, () => this.#routes.refreshAll());`,
    new: "",
    foundBy: ["L1"],
  },
  {
    name: "lost-connection-stays-lost",
    file: LINKS,
    old: `      this.#reconnect(link);
    });
    onRegistered`,
    new: `    });
    onRegistered`,
    foundBy: ["L1"],
  },
  {
    name: "heartbeat-of-the-link-taken-for-the-half",
    file: LINKS,
    old: "if (!(error instanceof ConnectionError)) throw error;",
    new: "throw error;",
    foundBy: ["S9"],
  },
  {
    name: "several-dials-at-once",
    file: POOL,
    old: "if (!slot.dialling) {",
    new: "if (slot) {",
    foundBy: ["L2"],
  },
  {
    name: "dials-without-a-pause",
    file: POOL,
    old: "if (wait > 0) {\n      slot.lastError",
    new: "if (wait > 1e9) {\n      slot.lastError",
    foundBy: ["L2"],
  },
  {
    name: "connections-left-open",
    file: POOL,
    old: "for (const slot of this.#slots.values()) slot.connection?.close(reason);\n",
    new: "void reason;\n",
    foundBy: ["H1"],
  },
  {
    name: "no-leave-taken",
    file: CLIENT,
    old: "if (timeout > 0) {\n      const { logger }",
    new: "if (timeout > 1e9) {\n      const { logger }",
    foundBy: ["H1"],
  },
  {
    name: "periodic-timers-left",
    file: "src/client/periodic_work.ts",
    old:
      "for (const timer of this.#timers.values()) this.#clock.clearTimer(timer);\n    this.#timers.clear();",
    new: "this.#timers.clear();",
    foundBy: ["H1"],
  },
  {
    name: "deadlines-outlive-their-connection",
    file: PENDING,
    old: "cause?: unknown): void {\n    this.#clearTimer();",
    new: "cause?: unknown): void {",
    foundBy: ["H1"],
  },
  {
    name: "waits-left-after-their-end",
    file: "src/client/deadline.ts",
    old: "    clock.clearTimer(timer);\n    signal?.removeEventListener",
    new: "    void timer;\n    signal?.removeEventListener",
    foundBy: ["H1"],
  },
  {
    name: "shutdown-waits-for-nobody",
    file: PRODUCER,
    old: "const drained = Promise.all([this.#runner.underWay.idle(), checks.drained()])",
    new: "const drained = Promise.all([checks.drained()])",
    foundBy: ["H1"],
  },
  {
    name: "shutdown-without-a-deadline",
    file: "src/transaction/in_flight.ts",
    old: "  await wait(deadline.remaining);\n  if (done",
    new: "  await wait(1e6 + deadline.remaining);\n  if (done",
    foundBy: ["H1"],
  },
  {
    name: "pauses-outlive-the-shutdown",
    file: "src/transaction/end_transaction.ts",
    old: "await sleep(clock, pause, timeUp).catch(() => {});",
    new: "await sleep(clock, pause);",
    foundBy: ["H1"],
  },
  {
    name: "one-number-for-all-requests",
    file: PENDING,
    old:
      "do this.#opaque = nextOpaque(this.#opaque); while (!this.#requests.isFree(this.#opaque));",
    new: "this.#opaque = nextOpaque(6);",
    foundBy: ["S4", "S9", "S11", "L1"],
  },
  {
    name: "requests-without-a-deadline",
    file: PENDING,
    old: "this.deadline = now + timeout;",
    new: "this.deadline = now + timeout * 10;",
    foundBy: ["L1"],
  },
  {
    name: "frames-must-come-in-one-piece",
    file: "src/remoting/frame_decoder.ts",
    old: "        this.#readGatheredSize();\n        return;",
    new: "        this.#forgetGathered();\n        return;",
    foundBy: ["L1", "S1", "S6", "S9"],
  },
];
