import { type RemotingRequest, RequestCode } from "../../src/remoting/mod.ts";
import {
  type CommitOrRollback,
  type EndTransactionHeader,
  endTransactionHeader,
  type SendMessageHeader,
  sendMessageHeader,
  type TopicRouteData,
} from "../../src/requests/mod.ts";

/*
  Requests and answers as tests make them field by field. The product prepares what its requests have in
  common; tests/requests/prepared_request_test.ts shows that both are the same.
*/

/** Sends a message, or with `batch: true` a batch, to a broker. */
export function createSendMessageRequest(
  header: SendMessageHeader,
  body: Uint8Array,
): RemotingRequest {
  return {
    code: header.batch === true ? RequestCode.SEND_BATCH_MESSAGE : RequestCode.SEND_MESSAGE_V2,
    extFields: sendMessageHeader.encode(header),
    body,
  };
}

/**
 * Commits or rolls back a half message, or says that the verdict is not known yet.
 *
 * @param remark Why it is not known; one line of at most 512 characters.
 */
export function createEndTransactionRequest(
  header: EndTransactionHeader & { commitOrRollback: CommitOrRollback },
  remark?: string,
): RemotingRequest {
  const request: RemotingRequest = {
    code: RequestCode.END_TRANSACTION,
    extFields: endTransactionHeader.encode(header),
  };
  if (remark !== undefined) request.remark = remark;
  return request;
}

/** Writes the body of a route as a name server does for a client of a recent version. */
export function encodeTopicRouteData(data: TopicRouteData): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({
    brokerDatas: data.brokerDatas.map((broker) => ({
      brokerAddrs: Object.fromEntries(broker.brokerAddrs),
      brokerName: broker.brokerName,
      cluster: broker.cluster,
      enableActingMaster: false,
    })),
    filterServerTable: {},
    orderTopicConf: data.orderTopicConf,
    queueDatas: data.queueDatas,
  }));
}
