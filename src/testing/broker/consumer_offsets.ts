/** The consumer groups that a broker knows, and how far they have read its queues. */
export class ConsumerOffsets {
  readonly #groups = new Set<string>();
  readonly #offsets = new Map<string, bigint>();

  /** Takes note of a group, as a pull or a heartbeat of it does. */
  addGroup(group: string): void {
    this.#groups.add(group);
  }

  /** Whether a group is known. */
  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  /** Offset of the next message that a group will read; undefined when it has read none. */
  get(group: string, topic: string, queueId: number): bigint | undefined {
    return this.#offsets.get(keyOf(group, topic, queueId));
  }

  /** Stores how far a group has read. */
  set(group: string, topic: string, queueId: number, offset: bigint): void {
    this.#offsets.set(keyOf(group, topic, queueId), offset);
  }
}

function keyOf(group: string, topic: string, queueId: number): string {
  return `${topic}@${group}@${queueId}`;
}
