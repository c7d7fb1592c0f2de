import { assertEquals } from "@std/assert";
import { Crew, type CrewOptions } from "../groups/crew.ts";
import { killMember } from "../groups/killed_member.ts";
import { oneJoins, oneLeaves } from "../groups/moves.ts";
import { brokerTest, type BrokerTestContext } from "../support/real_broker.ts";

const CONCURRENT: CrewOptions = { queues: 4, handlerTime: 200 };
const ORDERED: CrewOptions = { queues: 4, handlerTime: 50, member: { order: "queue" } };

function assertOnce(crew: Crew, messages: number): void {
  assertEquals({ ...crew.witness.sightings(), outOfOrder: 0 }, {
    ...{ messages, extra: 0, twoOwners: 0, outOfOrder: 0 },
  });
}

async function move(
  context: BrokerTestContext,
  { options, work }: { options: CrewOptions; work(crew: Crew): Promise<void> },
): Promise<void> {
  await using crew = await Crew.gather(context, options);
  await work(crew);
}

brokerTest("Consumer group - one joins, one leaves: nothing comes twice", async (context) => {
  await move(context, {
    options: CONCURRENT,
    work: async (crew) => {
      await oneJoins(crew, 200);
      assertOnce(crew, 200);
    },
  });
  await move(context, {
    options: ORDERED,
    work: async (crew) => {
      await oneLeaves(crew, 200);
      crew.witness.assertExact(200);
    },
  });
});

brokerTest(
  "Consumer group - a member killed with kill -9 is replaced within two seconds",
  async (context) => {
    await using crew = await Crew.gather(context, CONCURRENT);
    const { takeOver, tooOld, lost, queues } = await killMember(crew, 300, 200);
    assertEquals({ tooOld, lost, isFast: takeOver < 2_000, hadQueues: queues > 0 }, {
      ...{ tooOld: 0, lost: 0, isFast: true, hadQueues: true },
    });
  },
);
