import type { MemberReport } from "../integration/programs/group_member.ts";
import { Program } from "./program.ts";

const PROGRAM = new URL("../integration/programs/group_member.ts", import.meta.url);

/** What a {@linkcode GroupMember} works with. */
export interface GroupMemberOptions {
  /** Name servers of the cluster. */
  nameServers: string;
  /** The group that it is a member of. */
  producerGroup: string;
  /** Where it sends to. */
  topic: string;
  /** The file that all members of the group have in common. */
  database: string;
  /** How many messages it sends. Default 0. */
  sends?: number;
  /** Whether it answers every check-back with unknown. */
  undecided?: boolean;
}

/** A transaction producer in a process of its own, and what it has told so far. */
export class GroupMember extends Program {
  /** Starts the program; {@linkcode GroupMember.started} waits for it. */
  constructor(options: GroupMemberOptions) {
    const { nameServers, producerGroup, topic, database, sends = 0, undecided = false } = options;
    super(PROGRAM, {
      permissions: ["--allow-net", `--allow-read=${database}`, `--allow-write=${database}`],
      args: [
        nameServers,
        producerGroup,
        topic,
        database,
        String(sends),
        ...undecided ? ["--undecided"] : [],
      ],
    });
  }

  /** What it has told, of one kind. */
  reports<T extends MemberReport["type"]>(type: T): Extract<MemberReport, { type: T }>[] {
    return this.lines
      .map((line) => JSON.parse(line) as MemberReport)
      .filter((report): report is Extract<MemberReport, { type: T }> => report.type === type);
  }

  /** Waits until it is registered with its brokers. */
  async started(): Promise<void> {
    await this.until("the start", () => this.reports("started").length > 0);
  }

  /** Waits until all its half messages are stored. */
  async allSent(): Promise<void> {
    await this.until("the last send", () => this.reports("allSent").length > 0);
  }

  /** Waits until it has brought that many transactions to their end. */
  async untilEnded(count: number): Promise<void> {
    await this.until(`${count} verdicts`, () => this.reports("ended").length >= count);
  }
}

/** What the file of a group's database holds. */
export async function readDatabase(
  database: string,
): Promise<{ transactionId: string; key: string; verdict: string }[]> {
  const lines = (await Deno.readTextFile(database)).trimEnd().split("\n");
  return lines.filter((line) => line !== "").map((line) => {
    const [transactionId = "", key = "", verdict = ""] = line.split(" ");
    return { transactionId, key, verdict };
  });
}
