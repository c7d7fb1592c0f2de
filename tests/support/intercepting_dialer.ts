import { encodeCommand, FrameDecoder, type RemotingCommand } from "../../src/remoting/mod.ts";
import { type Dialer, dialTcp, type Transport } from "../../src/transport/mod.ts";
import { delay } from "./delay.ts";

/** What stands between a client and its servers, and sees every request. */
export interface Interceptor {
  /**
   * Sees a request on its way out, and gives what is sent in its place. `cut` lets it pass, keeps
   * everything that the server says from then on from the client, and ends the connection when the
   * server has read it.
   */
  onRequest(command: RemotingCommand, cut: () => void): RemotingCommand;
}

/** Long enough for a server to read what was written, in milliseconds. */
const READING_TIME = 1_000;

/** Dials TCP, with an interceptor in between. */
export function interceptingDialer(interceptor: Interceptor): Dialer {
  return async (host, port, options) => {
    return intercept(await dialTcp(host, port, options), interceptor);
  };
}

function intercept(transport: Transport, interceptor: Interceptor): Transport {
  const writer = transport.writable.getWriter();
  const decoder = new FrameDecoder();
  let isCut = false;
  const writable = new WritableStream<Uint8Array>({
    async write(chunk) {
      for (const command of decoder.push(chunk)) {
        await writer.write(encodeCommand(interceptor.onRequest(command, () => isCut = true)));
        if (!isCut) continue;
        await delay(READING_TIME);
        transport.close();
        return;
      }
    },
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  });
  const answers = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (!isCut) controller.enqueue(chunk);
    },
  });
  return { ...transport, readable: transport.readable.pipeThrough(answers), writable };
}
