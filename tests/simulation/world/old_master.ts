import {
  createResponse,
  isOneway,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from "../../../src/remoting/mod.ts";
import type { ServerEnd, SimServer } from "../network/link.ts";

/** A master that came back after its slave had taken its place: a slave now, which takes nothing. */
export class OldMaster implements SimServer {
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  receive(link: ServerEnd, command: RemotingCommand): void {
    if (isOneway(command)) return;
    const code = command.code === RequestCode.HEART_BEAT
      ? ResponseCode.SUCCESS
      : command.code === RequestCode.END_TRANSACTION
      ? ResponseCode.SLAVE_NOT_AVAILABLE
      : ResponseCode.SERVICE_NOT_AVAILABLE;
    link.send(createResponse(command, { code, remark: "the broker is a slave" }));
  }

  unlinked(): void {
    // It keeps nothing of its clients.
  }
}
