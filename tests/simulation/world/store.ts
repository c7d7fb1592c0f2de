import type { Random } from "../../fuzz/random.ts";
import type { Handle } from "../history.ts";

/** What a message consists of, wherever it is stored. */
export interface Content {
  /** The name that the plan gives the transaction. */
  readonly txn: string;
  /** Its unique key. */
  readonly id: string;
  /** Producer group. */
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  readonly body: Uint8Array;
  readonly properties: Record<string, string>;
  readonly flag: number;
  readonly sysFlag: number;
  /** By the wall clock of the producer. */
  readonly bornTimestamp: number;
  /** `host:port` of the producer, where it has one. */
  readonly bornHost?: string;
}

/** A record of the half topic. */
export interface Half extends Handle {
  readonly content: Content;
  /** How often was asked about it. */
  readonly checks: number;
  /** In virtual time. */
  readonly storedAt: number;
  /** Queue offset of its first record, when it was put back for its immunity. */
  readonly first?: number;
}

/** A record that consumers see. */
export interface Visible {
  readonly content: Content;
  readonly logOffset: number;
  readonly preparedOffset: number;
  readonly storedAt: number;
}

/** A record of a half message that was discarded. */
export interface PutAside {
  readonly content: Content;
  readonly checks: number;
  readonly logOffset: number;
  readonly storedAt: number;
}

/** What of a store is gone after a loss. */
export interface Loss {
  halves: Half[];
  visible: Visible[];
}

/**
 * The log of a broker: half messages, visible ones, marks of halves that were ended, and how far the
 * checks have come. What is here survives a kill; a power loss takes the end of it away.
 */
export class Store {
  readonly #random: Random;
  readonly #isEven: boolean;
  halves: Half[] = [];
  visible: Visible[] = [];
  /** What was asked about too often. */
  putAside: PutAside[] = [];
  /** Marks by queue offset, with the time of their writing. */
  marks: Map<number, number> = new Map();
  /** Queue offset at which the next check round begins. */
  progress = 0;
  /** {@linkcode Store.progress} as it was last written to disk. */
  savedProgress = 0;
  #nextLogOffset = 0;

  /** @param isEven Records are of one size. */
  constructor(random: Random, isEven = false) {
    this.#random = random;
    this.#isEven = isEven;
  }

  /** Stores a half message. */
  putHalf(content: Content, checks: number, storedAt: number, first?: number): Half {
    const half: Half = {
      content,
      checks,
      storedAt,
      queueOffset: this.halves.length,
      logOffset: this.#take(),
      ...(first === undefined ? {} : { first }),
    };
    this.halves.push(half);
    return half;
  }

  /** Stores a committed message. */
  putVisible(content: Content, preparedOffset: number, storedAt: number): void {
    this.visible.push({ content, preparedOffset, storedAt, logOffset: this.#take() });
  }

  /** Puts a half message aside. */
  discard({ content, checks }: Half, storedAt: number): void {
    this.putAside.push({ content, checks, storedAt, logOffset: this.#take() });
  }

  /** Stores a plain message; gives its place in the log. */
  putPlain(): number {
    return this.#take();
  }

  /** The half message at a place of the log. */
  halfAt(logOffset: number): Half | undefined {
    return this.halves.find((half) => half.logOffset === logOffset);
  }

  /** Loses everything that was written after a moment. */
  loseAfter(moment: number): Loss {
    const isKept = ({ storedAt }: { storedAt: number }) => storedAt <= moment;
    const loss: Loss = {
      halves: this.halves.filter((half) => !isKept(half)),
      visible: this.visible.filter((message) => !isKept(message)),
    };
    // What is written next takes the place of the first record that is gone.
    const aside = this.putAside.filter((record) => !isKept(record));
    const gone = [...loss.halves, ...loss.visible, ...aside].map(({ logOffset }) => logOffset);
    this.putAside = this.putAside.filter(isKept);
    this.#nextLogOffset = Math.min(this.#nextLogOffset, ...gone);
    this.halves = this.halves.filter(isKept);
    this.visible = this.visible.filter(isKept);
    for (const [offset, at] of this.marks) if (at > moment) this.marks.delete(offset);
    this.savedProgress = Math.min(this.savedProgress, this.halves.length);
    this.progress = Math.min(this.progress, this.halves.length);
    return loss;
  }

  /** A place in the log; never the same twice. Records of most plans differ in size. */
  #take(): number {
    const offset = this.#nextLogOffset, size = 300 + this.#random.below(200);
    this.#nextLogOffset += this.#isEven ? 400 : size;
    return offset;
  }
}
