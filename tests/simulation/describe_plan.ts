import type { Violation } from "./invariants/mod.ts";
import type { Plan, PlannedTransaction } from "./plan.ts";

/** A plan in lines that a person reads: how all is set up, and then everything by its time. */
export function describePlan(plan: Plan): string {
  const { seed, nameServers, brokers, slots, broker, member, answers, signs } = plan;
  const { transactions, sends, faults } = plan;
  const events = [
    ...transactions.map((transaction) => {
      const { name, at, slot, timeout, local, checks, undecided } = transaction;
      const { decision, takes, recordedAfter, ends } = local;
      const end = undecided
        ? `never decided`
        : `${decision} recorded after ${Math.round(takes * recordedAfter)} ms, ends with ${ends}`;
      const asked = checks.map(({ takes, gives }) => `${gives} after ${takes} ms`).join(", then ");
      return {
        at,
        line:
          `client ${slot} sends ${name} (${describeMessage(transaction)}timeout ${timeout} ms); ` +
          `local transaction takes ` +
          `${takes} ms, ${end}${asked && `; listener, when asked: ${asked}, then the truth`}`,
      };
    }),
    ...sends.map(({ at, slot, name, how }) => ({
      at,
      line: `client ${slot} sends ${name}, a plain message: ${how}`,
    })),
    ...(plan.operations ?? []).map(({ txn, after, slot, resumes }) => ({
      at: Infinity,
      line: `an operator of client ${slot} looks at ${txn} after ${after} of the rest` +
        `${resumes ? ", and resumes it when it was discarded" : ""}`,
    })),
    ...faults.map(({ at, kind, ...facts }) => ({
      at,
      line: `${kind} ${Object.entries(facts).map(([name, value]) => `${name}=${value}`).join(" ")}`,
    })),
  ].sort((a, b) => a.at - b.at);
  return [
    `seed ${seed}: ${nameServers} name servers, ${brokers} brokers, ${slots} clients`,
    `  brokers: timeout ${broker.timeout} ms, check interval ${broker.interval} ms, ` +
    `at most ${broker.maxChecks} checks, marks written every ${broker.markInterval} ms` +
    `${broker.hasEvenRecords ? ", records of one size" : ""}` +
    `${broker.isBehindNat ? ", behind a NAT" : ""}`,
    `  clients: ${Object.entries(member).map(([name, value]) => `${name} ${value}`).join(", ")}` +
    `, check-backs are answered by a ${answers}${signs ? ", requests are signed" : ""}` +
    `${plan.hasHooks ? ", hooks are called" : ""}` +
    Object.entries(plan.capacities ?? {}).map(([name, most]) => `, ${name} ${most}`).join(""),
    ...events.map(({ at, line }) =>
      `  ${at === Infinity ? "      later" : formatTime(at)}  ${line}`
    ),
  ].join("\n");
}

/** What is special about the message of a transaction, and how that begins. */
function describeMessage({ way, immunity, bodySize }: PlannedTransaction): string {
  return [
    way === "begin" ? "by begin(), " : way === "callback" ? "by transaction(), " : "",
    immunity === undefined ? "" : `immune for ${immunity} s, `,
    bodySize === undefined ? "" : `${bodySize} bytes, `,
  ].join("");
}

/** A violation in one line. */
export function describeViolation({ invariant, at, message }: Violation): string {
  return `${invariant} at ${formatTime(at).trim()}: ${message}`;
}

function formatTime(at: number): string {
  return `${(at / 1000).toFixed(3)} s`.padStart(11);
}
