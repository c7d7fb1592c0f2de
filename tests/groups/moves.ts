import type { Consumer } from "../../src/consumer/mod.ts";
import { delay } from "../support/delay.ts";
import type { BrokerProcess } from "../support/cluster.ts";
import type { Crew } from "./crew.ts";

/** Milliseconds after the last message in which a second delivery would come. */
const QUIET_TIME = 1_500;

/** Moves members of a crew while it works on so many messages. */
export type Move = (crew: Crew, messages: number) => Promise<void>;

/** A second member joins a first one. */
export const oneJoins: Move = async (crew, messages) => {
  await crew.join();
  await crew.send(messages);
  await crew.until(messages / 5);
  await crew.join();
  await finish(crew, messages);
};

/** One of two members leaves. */
export const oneLeaves: Move = async (crew, messages) => {
  await crew.join();
  await crew.join();
  await delay(1_500);
  await crew.send(messages);
  await crew.until(messages / 5);
  await crew.leave();
  await finish(crew, messages);
};

/** Members join and leave twelve times. */
export const twelveMoves: Move = async (crew, messages) => {
  await crew.join();
  await crew.send(messages);
  for (let move = 0; move < 12; move++) {
    const { members } = crew;
    const leaves = members.length > 1 && (move % 3 === 2 || members.length > 4);
    if (leaves) await crew.leave(members[1 + move % (members.length - 1)]!);
    else await crew.join();
    await delay(600 + move * 379 % 900);
  }
  await finish(crew, messages);
};

/** Three members are replaced one by one, as a rolling update does it. */
export const rollingRestart: Move = async (crew, messages) => {
  const old: Consumer[] = [];
  for (let i = 0; i < 3; i++) old.push(await crew.join());
  await delay(2_000);
  await crew.send(messages);
  for (const member of old) {
    await crew.leave(member);
    await crew.join();
    await delay(1_500);
  }
  await finish(crew, messages);
};

/** Brokers are killed and started again under three members. */
export function brokersRestart(brokers: readonly BrokerProcess[]): Move {
  return async (crew, messages) => {
    for (let i = 0; i < 3; i++) await crew.join();
    await delay(2_000);
    await crew.send(messages / 2);
    await crew.until(messages / 5);
    for (const broker of brokers) {
      await broker.kill();
      await broker.start();
      await delay(3_000);
    }
    await crew.send(messages / 2);
    await finish(crew, messages);
  };
}

async function finish(crew: Crew, messages: number): Promise<void> {
  await crew.until(messages);
  await delay(QUIET_TIME);
}
