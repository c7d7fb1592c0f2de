/** What the cases of the conformance suite may know of the cluster that they run on. */
export interface ClusterUnderTest {
  /** `host:port` of the name server. */
  nameServer: string;
  /** Its one broker. */
  broker: { name: string; address: string };
  /** Name of the cluster. */
  clusterName: string;
  /** Milliseconds after which the broker asks about a half message. */
  transactionTimeout: number;
  /** Milliseconds between two scans of the broker. */
  checkInterval: number;
  /** How often the broker asks. */
  checkMax: number;
  /** Form of the headers that it writes. */
  serializeType: "JSON" | "ROCKETMQ";
}

/** One thing that a broker does, shown on any broker. */
export interface ConformanceCase {
  /** `thing - behaviour`. */
  name: string;
  /** Fails where the cluster behaves in another way. */
  run(cluster: ClusterUnderTest): Promise<void>;
}

/** Makes a case. */
export function defineCase(
  name: string,
  run: (cluster: ClusterUnderTest) => Promise<void>,
): ConformanceCase {
  return { name, run };
}
