import { FrameDecoder } from "../../src/remoting/mod.ts";
import { formatAddress } from "../../src/route/mod.ts";
import { type Dialer, dialTcp } from "../../src/transport/mod.ts";

/** Dials TCP, and keeps which addresses are connected and what goes to them. */
export class WatchingDialer {
  /** Addresses in the order in which they were dialled. */
  readonly dialled: string[] = [];
  readonly #open = new Map<string, number>();
  readonly #codes = new Map<string, number[]>();

  /** How many connections to an address this side has not closed. */
  openTo(address: string): number {
    return this.#open.get(address) ?? 0;
  }

  /** The codes of the requests that went to an address, in order. */
  codesTo(address: string): number[] {
    return this.#codes.get(address) ?? [];
  }

  /** To be given to a client. */
  readonly dialer: Dialer = async (host, port, options) => {
    const address = formatAddress({ host, port });
    this.dialled.push(address);
    const transport = await dialTcp(host, port, options);
    this.#open.set(address, this.openTo(address) + 1);
    const codes = this.#codes.get(address) ?? [];
    this.#codes.set(address, codes);
    const decoder = new FrameDecoder();
    const writer = transport.writable.getWriter();
    const writable = new WritableStream<Uint8Array>({
      async write(chunk) {
        for (const { code } of decoder.push(chunk)) codes.push(code);
        await writer.write(chunk);
      },
      abort: (reason) => writer.abort(reason),
    });
    let isOpen = true;
    const close = () => {
      if (isOpen) this.#open.set(address, this.openTo(address) - 1);
      isOpen = false;
      transport.close();
    };
    return { ...transport, writable, close };
  };
}
