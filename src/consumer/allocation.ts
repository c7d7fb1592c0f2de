import { InvalidArgumentError } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";

/** What a share is computed from. Every member of the group has to come to the same result. */
export interface AllocationInput {
  /** Topic whose queues are shared. */
  readonly topic: string;
  /** All its queues, by broker name and number. */
  readonly queues: readonly MessageQueue[];
  /** Client ids of all members, sorted, each once. */
  readonly members: readonly string[];
  /** Client id of the member whose share is computed. */
  readonly self: string;
}

/** Returns the queues of a topic that one member reads. */
export type Allocation = (input: AllocationInput) => readonly MessageQueue[];

/**
 * Gives each member a run of neighbouring queues. The first members get one more if the number is odd.
 * This is the default of the Java client: use it if Java members may join the group.
 */
export const allocateAverage: Allocation = ({ queues, members, self }) => {
  const index = members.indexOf(self);
  const count = Math.floor(queues.length / members.length), more = queues.length % members.length;
  const start = index * count + Math.min(index, more);
  return queues.slice(start, start + count + (index < more ? 1 : 0));
};

/** Deals the queues to the members in turn, like the Java client's `AVG_BY_CIRCLE`. */
export const allocateInTurn: Allocation = ({ queues, members, self }) => {
  const index = members.indexOf(self);
  return queues.filter((_, at) => at % members.length === index);
};

/**
 * Computes the share of a member: sorts the queues and members, removes repeated ids, and checks what
 * the function returned. A member that is not in the list gets nothing.
 *
 * @throws {InvalidArgumentError} when the function returns something else than queues of the topic.
 */
export function computeShare(allocation: Allocation, input: AllocationInput): MessageQueue[] {
  const members = [...new Set(input.members)].sort();
  if (!members.includes(input.self) || input.queues.length === 0) return [];
  const queues = input.queues.toSorted(compareQueues);
  const byKey = new Map(queues.map((queue) => [keyOf(queue), queue]));
  const share: unknown = allocation({ ...input, queues: [...queues], members: [...members] });
  if (!Array.isArray(share)) {
    throw new InvalidArgumentError(
      `Cannot share the queues of topic "${input.topic}": the allocation returned no list of queues`,
    );
  }
  const taken = new Set<string>();
  for (const queue of share) {
    const key = keyOf(queue);
    if (!byKey.has(key) || taken.has(key)) {
      throw new InvalidArgumentError(
        `Cannot share the queues of topic "${input.topic}": the allocation returned ` +
          (taken.has(key) ? "a queue twice" : "a queue that is not among those it was given"),
      );
    }
    taken.add(key);
  }
  return [...taken].map((key) => byKey.get(key)!);
}

/** Compares queues by broker name, then by number: `b10` comes before `b2`. */
function compareQueues(a: MessageQueue, b: MessageQueue): number {
  return a.brokerName < b.brokerName ? -1 : a.brokerName > b.brokerName ? 1 : a.queueId - b.queueId;
}

function keyOf(queue: Partial<MessageQueue> | undefined | null): string {
  return JSON.stringify([queue?.topic, queue?.brokerName, queue?.queueId]);
}
