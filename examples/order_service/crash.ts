import { type Dialer, dialTcp } from "@rocketmq-deno/client";
import { FrameDecoder, RequestCode } from "@rocketmq-deno/client/remoting";

/** The worst moments. */
export const CRASH_POINTS = ["half", "local", "verdict"] as const;

/**
 * - `half`: the half message is stored, the local transaction has not begun.
 * - `local`: the local transaction is committed in the database, the verdict has not left.
 * - `verdict`: the verdict was handed to the network, no answer has come.
 */
export type CrashPoint = typeof CRASH_POINTS[number];

/** The exit code of a process that was ended by SIGKILL. */
const KILLED = 137;

/** Ends this process on the spot, once, at one of the worst moments. */
export class Crash {
  readonly #point: CrashPoint | undefined;
  #isArmed = false;

  /** @param point When; never if it is left out. */
  constructor(point?: CrashPoint) {
    this.#point = point;
  }

  /** From now on the moment may come. */
  arm(): void {
    this.#isArmed = true;
  }

  /** To be called at a moment. Nothing is closed, flushed or said goodbye to. */
  at(point: CrashPoint): void {
    if (this.#isArmed && point === this.#point) Deno.exit(KILLED);
  }

  /** Dials as usual, and notices when a verdict was written. */
  readonly dialer: Dialer = async (host, port, options) => {
    const transport = await dialTcp(host, port, options);
    const frames = new FrameDecoder(), writer = transport.writable.getWriter();
    const writable = new WritableStream<Uint8Array>({
      write: async (bytes) => {
        const commands = frames.push(bytes.slice());
        await writer.write(bytes);
        if (commands.some(({ code }) => code === RequestCode.END_TRANSACTION)) this.at("verdict");
      },
      close: () => writer.close(),
      abort: (reason) => writer.abort(reason),
    });
    return { ...transport, writable };
  };
}
