import { InvalidArgumentError } from "../../errors.ts";
import { type RemotingCommand, RequestCode } from "../../remoting/mod.ts";
import { codesOf, type FaultRule } from "./fault_rule.ts";

/** A fault that was added. Leaving its scope (`using`) takes it away. */
export interface Fault extends Disposable {
  /** How often it has happened. */
  readonly hits: number;
  /** Takes it away. Calling it again does nothing. */
  remove(): void;
}

/** A rule on its way. */
class ActiveFault implements Fault {
  readonly rule: FaultRule;
  readonly #codes: ReadonlySet<number> | undefined;
  readonly #remove: (fault: ActiveFault) => void;
  #passed = 0;
  #hits = 0;

  constructor(rule: FaultRule, remove: (fault: ActiveFault) => void) {
    this.rule = rule;
    this.#codes = codesOf(rule.on);
    this.#remove = remove;
  }

  get hits(): number {
    return this.#hits;
  }

  /** Whether it happens to this request; it is counted then. */
  strikes(server: string, request: RemotingCommand): boolean {
    const { at, fields = {}, after = 0, times = Infinity } = this.rule;
    if (this.#hits >= times || (at !== undefined && at !== server)) return false;
    if (this.#codes?.has(request.code) === false) return false;
    const differs = Object.entries(fields).some(([name, value]) =>
      request.extFields[name] !== value
    );
    if (differs || this.#passed++ < after) return false;
    this.#hits++;
    return true;
  }

  remove(): void {
    this.#remove(this);
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

/** What goes wrong in an embedded cluster, by rule. */
export interface Faults {
  /**
   * Makes something go wrong from now on. Of several rules that fit a request the oldest one
   * counts.
   *
   * @throws {InvalidArgumentError} when the rule names a request that does not exist, or a number
   * that can't be.
   *
   * @example
   * ```ts
   * import { EmbeddedBroker } from "@rocketmq-deno/client/testing";
   *
   * async function loseTheNextVerdict(broker: EmbeddedBroker): Promise<void> {
   *   using fault = broker.faults.add({ on: "END_TRANSACTION", action: "drop", times: 1 });
   *   while (fault.hits === 0) await new Promise((resolve) => setTimeout(resolve, 10));
   * }
   * ```
   */
  add(rule: FaultRule): Fault;
  /** Takes all faults away. */
  clear(): void;
}

/** The faults of an embedded cluster, and the choice of the one that happens. */
export class FaultTable implements Faults {
  readonly #faults = new Set<ActiveFault>();

  add(rule: FaultRule): Fault {
    checkRule(rule);
    const fault = new ActiveFault({ ...rule }, (it) => this.#faults.delete(it));
    this.#faults.add(fault);
    return fault;
  }

  clear(): void {
    this.#faults.clear();
  }

  /** The rule that happens to a request, if one does. */
  take(server: string, request: RemotingCommand): FaultRule | undefined {
    for (const fault of this.#faults) {
      if (fault.strikes(server, request)) return fault.rule;
    }
    return undefined;
  }
}

function checkRule(rule: FaultRule): void {
  const names = typeof rule.on === "object" ? rule.on : [rule.on];
  for (const name of names) {
    const isKnown = typeof name === "number" || name === "*" || Object.hasOwn(RequestCode, name);
    if (!isKnown) throw refuse(`"${String(name)}" is neither the name nor the code of a request`);
  }
  const actions = ["delay", "drop", "cut", "close", "answer"];
  if (!actions.includes(rule.action)) {
    throw refuse(`action "${String(rule.action)}" is none of ${actions.join(", ")}`);
  }
  checkNumber("after", rule.after ?? 0);
  if (rule.times !== Infinity) checkNumber("times", rule.times ?? 1);
  if (rule.action === "delay") checkNumber("ms", rule.ms);
  if (rule.action === "cut") checkNumber("bytes", rule.bytes ?? 0);
  if (rule.action === "answer") checkNumber("code", rule.code);
}

function checkNumber(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 0) {
    throw refuse(`${name} ${value} is not a whole number from 0`);
  }
}

function refuse(reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot add fault: ${reason}`);
}
