/** How far consumer groups have read the queues of a broker. */
export class ConsumerOffsets {
  readonly #offsets = new Map<string, bigint>();
  readonly #resets = new Map<string, bigint>();
  /** What a crash leaves of them. */
  #saved: ReadonlyMap<string, bigint> = new Map();

  /** Offset of the next message that a group will read; undefined when it has read none. */
  get(group: string, topic: string, queueId: number): bigint | undefined {
    return this.#offsets.get(keyOf(group, topic, queueId));
  }

  /** Stores how far a group has read, in memory only. */
  set(group: string, topic: string, queueId: number, offset: bigint): void {
    this.#offsets.set(keyOf(group, topic, queueId), offset);
  }

  /** Has a group go on elsewhere: its next pull is told, and commits until then have no effect. */
  reset(group: string, topic: string, queueId: number, offset: bigint): void {
    this.set(group, topic, queueId, offset);
    this.#resets.set(keyOf(group, topic, queueId), offset);
  }

  /** Whether a group was not yet told of a reset. */
  isReset(group: string, topic: string, queueId: number): boolean {
    return this.#resets.has(keyOf(group, topic, queueId));
  }

  /** Gives the offset of a reset, once. */
  takeReset(group: string, topic: string, queueId: number): bigint | undefined {
    const key = keyOf(group, topic, queueId), offset = this.#resets.get(key);
    this.#resets.delete(key);
    return offset;
  }

  /** Saves everything, as a broker does every five seconds. */
  save(): void {
    this.#saved = new Map(this.#offsets);
  }

  /** Goes back to what was saved last. */
  forget(): void {
    this.#offsets.clear();
    for (const [key, offset] of this.#saved) this.#offsets.set(key, offset);
  }
}

function keyOf(group: string, topic: string, queueId: number): string {
  return `${topic}@${group}@${queueId}`;
}
