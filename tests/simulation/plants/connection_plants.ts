import type { Plant } from "./plant.ts";

const BROKER_LINKS = "src/client/broker_links.ts";
const CLIENT_INSTANCE = "src/client/client_instance.ts";
const CONNECTION_POOL = "src/client/connection_pool.ts";
const PENDING_REQUESTS = "src/transport/pending_requests.ts";

/** Known faults in connections, membership and shutdown. */
export const CONNECTION_PLANTS: readonly Plant[] = [
  {
    name: "registered-without-a-heartbeat",
    file: BROKER_LINKS,
    old: `      const response = await connection.request(heartbeat(), { timeout: requestTimeout });
      readHeartbeatResponse(response, { address, brokerName });
    } catch (error) {`,
    new: `      void heartbeat;
    } catch (error) {`,
    foundBy: ["S1"],
  },
  {
    name: "heartbeats-end-after-the-first",
    file: CLIENT_INSTANCE,
    old: `this.#work.every("heartbeats", heartbeatInterval, () => this.#heartbeat());`,
    new: "",
    foundBy: ["S1", "L1"],
  },
  {
    name: "routes-never-looked-at-again",
    file: CLIENT_INSTANCE,
    old: `this.#work.every("routes", routePollInterval, () => this.#routes.refreshAll());`,
    new: "",
    foundBy: ["L1"],
  },
  {
    name: "lost-connection-stays-lost",
    file: BROKER_LINKS,
    old: `      this.#reconnect(link);
    });
    onRegistered`,
    new: `    });
    onRegistered`,
    foundBy: ["L1"],
  },
  {
    name: "heartbeat-of-the-link-taken-for-the-half",
    file: BROKER_LINKS,
    old: "if (!(error instanceof ConnectionError)) throw error;",
    new: "throw error;",
    foundBy: ["S9"],
  },
  {
    name: "several-dials-at-once",
    file: CONNECTION_POOL,
    old: "if (!slot.dialling) {",
    new: "if (slot) {",
    foundBy: ["L2"],
  },
  {
    name: "dials-without-a-pause",
    file: CONNECTION_POOL,
    old: "if (wait > 0) {\n      slot.lastError",
    new: "if (wait > 1e9) {\n      slot.lastError",
    foundBy: ["L2"],
  },
  {
    name: "connections-left-open",
    file: CONNECTION_POOL,
    old: "for (const slot of this.#slots.values()) slot.connection?.close(reason);\n",
    new: "void reason;\n",
    foundBy: ["H1"],
  },
  {
    name: "no-leave-taken",
    file: CLIENT_INSTANCE,
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
    file: PENDING_REQUESTS,
    old: "cause?: unknown): void {\n    this.#clearTimer();",
    new: "cause?: unknown): void {",
    foundBy: ["H1"],
  },
  {
    name: "waits-left-after-their-end",
    file: "src/clock.ts",
    old: "    clock.clearTimer(timer);\n    signal?.removeEventListener",
    new: "    void timer;\n    signal?.removeEventListener",
    foundBy: ["H1"],
  },
  {
    name: "shutdown-waits-for-nobody",
    file: "src/transaction/transaction_producer.ts",
    old: "    const drained = Promise.all([this.#sends.wait(), this.#checks.drained()])",
    new: "    const drained = Promise.all([this.#checks.drained()])",
    foundBy: ["H1"],
  },
  {
    name: "shutdown-without-a-deadline",
    file: "src/transaction/live.ts",
    old: "  await wait(deadline.remaining - grace);",
    new: "  await wait(1e6 + deadline.remaining - grace);",
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
    file: PENDING_REQUESTS,
    old:
      "do this.#opaque = nextOpaque(this.#opaque); while (!this.#requests.isFree(this.#opaque));",
    new: "this.#opaque = nextOpaque(6);",
    foundBy: ["S4", "S9", "S11", "L1"],
  },
  {
    name: "requests-without-a-deadline",
    file: PENDING_REQUESTS,
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
