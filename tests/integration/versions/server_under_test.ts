import {
  Producer,
  type ProducerOptions,
  TransactionProducer,
  type TransactionProducerOptions,
} from "../../../mod.ts";
import type { BrokerAddress } from "../../support/probe.ts";
import { silentLogger } from "../../support/test_client.ts";

/** A server of one release in one setting, and what it can't do. */
export interface ServerUnderTest {
  /** Its name servers. */
  readonly nameServers: string;
  /** Its brokers, all of them masters. */
  readonly brokers: readonly BrokerAddress[];
  /** Its release. */
  readonly release: string;
  /** Form of the headers that it writes. */
  readonly serializeType: "JSON" | "ROCKETMQ";
  /** A name for a topic or group that nothing else uses. */
  uniqueName(prefix: string): string;
}

/** Reports whether a server is of a release or a later one. */
export function isFrom({ release }: ServerUnderTest, first: string): boolean {
  return release.localeCompare(first, "en", { numeric: true }) >= 0;
}

/** One thing that an application does, on any server. */
export interface VersionStep {
  /** What is shown. */
  readonly name: string;
  /** Fails where the server, or this module on it, behaves in another way. */
  run(server: ServerUnderTest): Promise<void>;
}

/** Makes a step. */
export function defineStep(
  name: string,
  run: (server: ServerUnderTest) => Promise<void>,
): VersionStep {
  return { name, run };
}

const PATIENT = { sendTimeout: 30_000, startTimeout: 30_000, logger: silentLogger } as const;

/** A producer of ordinary messages that is started. */
export async function startProducer(
  { nameServers, uniqueName }: ServerUnderTest,
  topics: readonly string[],
  options: Partial<ProducerOptions> = {},
): Promise<Producer> {
  const producerGroup = uniqueName("versions");
  const producer = new Producer({ nameServers, producerGroup, topics, ...PATIENT, ...options });
  await producer.start();
  return producer;
}

/** A transaction producer that is started. */
export async function startTransactionProducer<Arg>(
  { nameServers }: ServerUnderTest,
  options: Omit<TransactionProducerOptions<Arg>, "nameServers">,
): Promise<TransactionProducer<Arg>> {
  const producer = new TransactionProducer<Arg>({
    nameServers,
    endTransactionTimeout: 15_000,
    ...PATIENT,
    ...options,
  });
  await producer.start();
  return producer;
}

/** A body as text. */
export function textOf({ body }: { body: Uint8Array }): string {
  return new TextDecoder().decode(body);
}
