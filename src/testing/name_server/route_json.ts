import type { BrokerData, QueueData } from "../../requests/mod.ts";

const encoder = new TextEncoder();

/** A broker group as name servers write it: `bare` leaves the broker ids without quotes. */
function brokerJson({ cluster, brokerName, brokerAddrs }: BrokerData, bare: boolean): string {
  const addresses = [...brokerAddrs].map(([id, address]) =>
    `${bare ? id : `"${id}"`}:${JSON.stringify(address)}`
  );
  return `{"brokerAddrs":{${addresses.join(",")}},"brokerName":${JSON.stringify(brokerName)},` +
    `"cluster":${JSON.stringify(cluster)},"enableActingMaster":false}`;
}

/** The body of a route. What is not JSON with `bare` is what clients of old versions get. */
export function routeBody(
  queueDatas: readonly QueueData[],
  brokerDatas: readonly BrokerData[],
  bare: boolean,
): Uint8Array {
  const brokers = brokerDatas.map((broker) => brokerJson(broker, bare)).join(",");
  const queues = queueDatas.map((queue) => {
    const { brokerName, perm, readQueueNums, topicSysFlag, writeQueueNums } = queue;
    return JSON.stringify({ brokerName, perm, readQueueNums, topicSysFlag, writeQueueNums });
  });
  return encoder.encode(
    `{"brokerDatas":[${brokers}],"filterServerTable":{},"queueDatas":[${queues.join(",")}]}`,
  );
}

/** The body of the cluster information, which is never JSON: broker ids are bare in it. */
export function clusterBody(brokerDatas: readonly BrokerData[]): Uint8Array {
  const brokers = brokerDatas.map((broker) =>
    `${JSON.stringify(broker.brokerName)}:${brokerJson(broker, true)}`
  );
  const clusters: Record<string, string[]> = {};
  for (const { cluster, brokerName } of brokerDatas) (clusters[cluster] ??= []).push(brokerName);
  return encoder.encode(
    `{"brokerAddrTable":{${brokers.join(",")}},"clusterAddrTable":${JSON.stringify(clusters)}}`,
  );
}
