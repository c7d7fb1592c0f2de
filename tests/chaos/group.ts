import { Program } from "../support/program.ts";
import { type Entry, LineReader } from "./journal.ts";
import type { MemberOptions } from "./member.ts";

/** What members run. */
export interface MemberProgram {
  /** Its file. */
  module: URL;
  /** What runs it in place of Deno. */
  command?: readonly [string, ...string[]];
}

/** What members run in this Deno. */
export const MEMBER: MemberProgram = { module: new URL("member.ts", import.meta.url) };

/** What the members of a group have in common. */
export type GroupOptions = Omit<MemberOptions, "journal" | "messages" | "beganAt" | "share">;

/** One member and its process. */
interface Member {
  process: Program;
  reader: LineReader<Entry>;
  isKilled: boolean;
}

/** The producers of the group: each a process, which may be killed and followed by another one. */
export class Group implements AsyncDisposable {
  /** What all members have written down so far, the killed ones too. */
  readonly entries: Entry[] = [];
  readonly #folder: string;
  readonly #options: GroupOptions;
  readonly #program: MemberProgram;
  readonly #messages: number;
  readonly #senderCount: number;
  readonly #members: Member[] = [];
  #beganAt: number | undefined;
  /** Those that send, by the shares of the messages that they send. */
  readonly #senders = new Map<number, Member>();

  /**
   * @param folder Where journals go.
   * @param messages Messages of the whole run.
   * @param senders How many members send them.
   */
  constructor(
    folder: string,
    messages: number,
    senders: number,
    options: GroupOptions,
    program: MemberProgram = MEMBER,
  ) {
    this.#program = program;
    this.#folder = folder;
    this.#messages = messages;
    this.#senderCount = senders;
    this.#options = options;
  }

  /** Starts the members that send, each its share of the messages that are not done yet. */
  async startSenders(): Promise<void> {
    for (let share = 0; share < this.#senderCount; share++) {
      if (this.#senders.has(share)) continue;
      this.#senders.set(share, await this.#start(this.#messages, share));
    }
  }

  /** Starts a member that only answers check-backs. */
  async startSilent(): Promise<void> {
    await this.#start(0, 0);
  }

  /** Ends the first sender with SIGKILL. */
  async killSender(): Promise<void> {
    const sender = this.#firstSender();
    this.#senders.delete(0);
    sender.isKilled = true;
    await sender.process.kill();
  }

  /** Freezes the first sender (SIGSTOP). */
  pauseSender(): void {
    this.#firstSender().process.signal("SIGSTOP");
  }

  /** Lets it go on. */
  resumeSender(): void {
    this.#firstSender().process.signal("SIGCONT");
  }

  /** Whether all senders are there and have sent everything. */
  get isFinished(): boolean {
    return this.#senders.size === this.#senderCount &&
      [...this.#senders.values()].every(({ process }) => process.lines.includes("finished"));
  }

  /** Reads the journals on. */
  refresh(): void {
    for (const { reader } of this.#members) this.entries.push(...reader.read());
  }

  /** Ends all members as an operator would; gives what went wrong with any of them. */
  async stop(): Promise<string[]> {
    const problems: string[] = [];
    for (const { process, isKilled } of this.#members) {
      if (isKilled) continue;
      try {
        process.signal("SIGTERM");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it has ended by itself
      }
      const code = await process.exit().catch((error) => String(error));
      if (code !== 0 || process.stderr !== "") {
        problems.push(`A producer ended with ${code}: ${process.stderr.trim()}`);
      }
    }
    this.refresh();
    return problems;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process, reader } of this.#members) {
      await process.kill();
      reader[Symbol.dispose]();
    }
  }

  #firstSender(): Member {
    const sender = this.#senders.get(0);
    if (!sender) throw new Error("Cannot use the first sender: there is none");
    return sender;
  }

  async #start(messages: number, index: number): Promise<Member> {
    const journal = `${this.#folder}/journal-${this.#members.length + 1}.jsonl`;
    const beganAt = this.#beganAt, share = { index, of: this.#senderCount };
    const { module, command } = this.#program;
    const process = new Program(module, {
      ...(command ? { command } : {}),
      permissions: [
        "--allow-net",
        `--allow-read=${this.#folder}`,
        `--allow-write=${this.#folder}`,
      ],
      args: [JSON.stringify({ ...this.#options, messages, journal, share, beganAt })],
    });
    const member = { process, reader: new LineReader<Entry>(journal), isKilled: false };
    this.#members.push(member);
    await process.until("the start of a producer", () => process.lines.includes("started"));
    this.#beganAt ??= Date.now();
    return member;
  }
}
