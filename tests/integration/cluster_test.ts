import {
  assert,
  assertEquals,
  assertFalse,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { type BrokerProcess, RocketMQCluster } from "../support/cluster.ts";
import { answers, ask, listBrokers } from "../support/probe.ts";
import { eventually } from "../support/progress.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { brokerTest, clusterTest, launcherTest } from "../support/real_broker.ts";

const CREATE_TOPIC = 17;
const GET_ROUTE = 105;
const TOPIC_NOT_EXIST = 17;

brokerTest("sharedCluster - its broker is registered and answers", async (context) => {
  const [nameServer] = context.nameServers.split(";");

  assertEquals(await listBrokers(nameServer!), [...context.brokers]);
  assert(await answers(context.brokers[0]!.address));
});

clusterTest(
  "RocketMQCluster - masters and name servers can be broken and mended",
  { brokers: 2, nameServers: 2 },
  async (cluster, test) => {
    const [a, b] = cluster.brokers as [BrokerProcess, BrokerProcess];
    const [first, second] = cluster.nameServerProcesses as [ServerProcess, ServerProcess];
    const addresses = { "broker-a": a.address, "broker-b": b.address };

    await test.step("both name servers know both masters", async () => {
      assertEquals(cluster.nameServers, `${first.address};${second.address}`);
      assertEquals(await addressesByName(first.address), addresses);
      assertEquals(await addressesByName(second.address), addresses);
    });

    await test.step("a suspended broker takes connections and does not answer", async () => {
      b.suspend();
      using _connection = await connect(b.address);
      assertFalse(await answers(b.address, 500));
      b.resume();
      assert(await answers(b.address));
    });

    await test.step("a killed broker is gone from the name servers", async () => {
      assertEquals(await createTopic(a.address, "Kept"), 0);
      await a.kill();
      assertFalse(a.isRunning);
      await assertRejects(() => connect(a.address), Deno.errors.ConnectionRefused);
      assert(
        await eventually(async () => !("broker-a" in await addressesByName(first.address)), 5000),
      );
      assertEquals(await routeCode(first.address, "Kept"), TOPIC_NOT_EXIST);
    });

    await test.step("it comes back on its address and with its store", async () => {
      await a.start();
      assertEquals(await addressesByName(first.address), addresses);
      assertEquals(await routeCode(first.address, "Kept"), 0);
      assertStringIncludes(await a.log(), "boot success");
    });

    await test.step("a name server that was restarted learns of the brokers again", async () => {
      const before = second.pid;
      await second.stop();
      assert(await answers(first.address));
      await second.start();
      assertNotEquals(second.pid, before);
      await cluster.registered();
      assertEquals(await addressesByName(second.address), addresses);
    });

    await test.step("a slave can join", async () => {
      const slave = await cluster.addBroker({ slaveOf: "broker-a" });
      const listed = await listBrokers(first.address);
      assertEquals(listed.filter(({ name }) => name === "broker-a"), [
        { name: "broker-a", brokerId: 0, address: a.address },
        { name: "broker-a", brokerId: 1, address: slave.address },
      ]);
    });
  },
);

launcherTest("RocketMQCluster - nothing is left when it is disposed of", async () => {
  const cluster = await RocketMQCluster.start({ brokers: 0 });
  const { pid, address } = cluster.nameServerProcesses[0]!;
  cluster.nameServerProcesses[0]!.suspend();

  await cluster[Symbol.asyncDispose]();

  assertFalse(await isAlive(pid));
  await assertRejects(() => connect(address), Deno.errors.ConnectionRefused);
  await assertRejects(() => Deno.stat(cluster.folder), Deno.errors.NotFound);
});

launcherTest("RocketMQCluster - nothing is left when its owner is killed", async () => {
  const owner = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("testdata/owner.ts", import.meta.url).href],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const { folder, pid } = JSON.parse(await firstLine(owner.stdout));
  assert(await isAlive(pid));

  owner.kill("SIGKILL");
  await owner.status;

  assert(await eventually(async () => !await exists(folder), 10_000), `${folder} is still there`);
  assertFalse(await isAlive(pid));
});

launcherTest("RocketMQCluster - a start that fails tells why", async () => {
  const error = await assertRejects(
    () => RocketMQCluster.start({ javaOptions: ["-XX:NoSuchOption"] }),
    Error,
  );

  assertStringIncludes(error.message, "Cannot start namesrv-1 on 127.0.0.1:");
  assertStringIncludes(error.message, "it ended at once");
  assertStringIncludes(error.message, "Unrecognized VM option 'NoSuchOption'");
});

launcherTest("with_cluster - a command finds the cluster and its exit code is kept", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", new URL("../support/with_cluster.ts", import.meta.url).href],
      ...["--brokers", "0", "sh", "-c", "echo $ROCKETMQ_NAMESRV; exit 7"],
    ],
    env: { ROCKETMQ_NAMESRV: "" },
    stderr: "null",
  }).output();
  const address = new TextDecoder().decode(stdout).trim();

  assertEquals(code, 7);
  await assertRejects(() => connect(address), Deno.errors.ConnectionRefused);
});

async function addressesByName(nameServer: string): Promise<Record<string, string>> {
  const brokers = await listBrokers(nameServer);
  return Object.fromEntries(brokers.map(({ name, address }) => [name, address]));
}

async function createTopic(broker: string, topic: string): Promise<number> {
  const extFields = {
    topic,
    defaultTopic: "TBW102",
    readQueueNums: "1",
    writeQueueNums: "1",
    perm: "6",
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: "0",
    order: "false",
  };
  return (await ask(broker, { code: CREATE_TOPIC, extFields })).code;
}

async function routeCode(nameServer: string, topic: string): Promise<number> {
  return (await ask(nameServer, { code: GET_ROUTE, extFields: { topic } })).code;
}

async function connect(address: string): Promise<Deno.TcpConn> {
  const [hostname, port] = address.split(":");
  const connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  return connection;
}

async function isAlive(pid: number): Promise<boolean> {
  const { success } = await new Deno.Command("sh", {
    args: ["-c", `kill -0 ${pid}`],
    stderr: "null",
  }).output();
  return success;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("\n")) return text.split("\n")[0]!;
  }
  throw new Error(`Cannot read a line: the stream ended after ${JSON.stringify(text)}`);
}
