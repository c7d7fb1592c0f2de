// deno-lint-ignore-file no-console
/**
 * Shows what joining, leaving, restarting and killing members of a consumer group costs: on a real
 * cluster of two masters, with handlers that take 200 ms.
 *
 *     deno task groups
 *     deno task groups --scale 0.2 --only churn
 *
 * @module
 */
import { parseArgs } from "node:util";
import { RocketMQCluster } from "../support/cluster.ts";
import { print, progress } from "../support/progress.ts";
import { Crew, type CrewOptions } from "./crew.ts";
import { killMember } from "./killed_member.ts";
import {
  brokersRestart,
  type Move,
  oneJoins,
  oneLeaves,
  rollingRestart,
  twelveMoves,
} from "./moves.ts";

const HELP = `Moves members of consumer groups on a real cluster, and counts second deliveries.

Usage: deno task groups [--scale NUMBER] [--only WORD]

  --scale NUMBER  of messages, 1 unless given
  --only WORD     rows whose name contains it

The exit code is 1 if a message came twice that should not, or was lost.`;

const HANDLER_TIME = 200;

const MOVES: [name: string, move: Move, messages: number][] = [
  ["one joins", oneJoins, 800],
  ["one leaves", oneLeaves, 1_600],
  ["churn, 12 moves", twelveMoves, 3_000],
  ["rolling restart of three", rollingRestart, 2_400],
];

const WAYS: [name: string, options: CrewOptions][] = [
  ["concurrent", { queues: 4, handlerTime: HANDLER_TIME }],
  ["ordered", {
    queues: 4,
    handlerTime: HANDLER_TIME / 4,
    member: { order: "queue" },
  }],
];

interface Wanted {
  scale: number;
  only: string;
  help: boolean;
}

/** @throws {TypeError} naming what can't be used. */
function readArguments(args: readonly string[]): Wanted {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scale: { type: "string", default: "1" },
      only: { type: "string", default: "" },
      help: { type: "boolean", default: false },
    },
  });
  const scale = Number(values.scale);
  if (!(scale > 0)) {
    throw new TypeError(`Cannot use --scale ${values.scale}: it is no number above 0`);
  }
  return { ...values, scale };
}

async function main(args: readonly string[]): Promise<number> {
  let wanted: Wanted;
  try {
    wanted = readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (wanted.help) {
    print(HELP);
    return 0;
  }
  const { scale, only } = wanted;
  await using cluster = await RocketMQCluster.start({ brokers: 2 });
  const workplace = {
    nameServers: cluster.nameServers,
    uniqueName: (prefix: string) => `${prefix}-${crypto.randomUUID().slice(0, 13)}`,
  };
  let isExact = true;
  print("| scenario | messages | extra deliveries | two owners | out of order | seconds |");
  print("| --- | ---: | ---: | ---: | ---: | ---: |");
  for (const [way, options] of WAYS) {
    const restart: typeof MOVES = [["brokers killed", brokersRestart(cluster.brokers), 1_200]];
    for (const [name, move, most] of [...MOVES, ...restart]) {
      const title = `${name}, ${way}`;
      if (!title.includes(only)) continue;
      progress(title);
      const messages = Math.round(most * scale), begin = performance.now();
      await using crew = await Crew.gather(workplace, options);
      await move(crew, messages);
      const { extra, twoOwners, outOfOrder } = crew.witness.sightings();
      const order = way === "ordered" ? outOfOrder : "-";
      const seconds = ((performance.now() - begin) / 1_000).toFixed(1);
      print(`| ${title} | ${messages} | ${extra} | ${twoOwners} | ${order} | ${seconds} |`);
      if (extra + twoOwners + (way === "ordered" ? outOfOrder : 0) > 0) isExact = false;
    }
  }
  for (const [way, options] of WAYS) {
    const title = `kill -9 of one of two members, ${way}`;
    if (!title.includes(only)) continue;
    const messages = Math.round(800 * scale);
    await using crew = await Crew.gather(workplace, options);
    const result = await killMember(crew, messages, options.handlerTime);
    print(`\n${title}, ${messages} messages: ${Deno.inspect(result)}`);
    if (result.tooOld + result.lost > 0 || result.takeOver > 2_000) isExact = false;
  }
  return isExact ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
