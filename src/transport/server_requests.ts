import { describe } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import { createResponse, isOneway, type RemotingCommand, ResponseCode } from "../remoting/mod.ts";
import type { Connection } from "./connection.ts";
import type { ServerRequestAnswer, ServerRequestHandler } from "./connection_types.ts";

/** The settings of {@linkcode ServerRequests}. */
interface ServerRequestsOptions {
  /** Handlers by request code. */
  handlers: ReadonlyMap<number, ServerRequestHandler>;
  /** Log for requests that can't be served. */
  warnings: ThrottledLogger;
  /** Takes the answer to a request that is not one-way. */
  answer: (answer: RemotingCommand) => void;
}

/** Hands what a server asks to its handlers; nothing that they do reaches the reader. */
export class ServerRequests {
  readonly #connection: Connection;
  readonly #options: ServerRequestsOptions;
  #unknown = 0;

  constructor(connection: Connection, options: ServerRequestsOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** How many had a code that no handler is for. */
  get unknown(): number {
    return this.#unknown;
  }

  /** Serves one. Never throws. */
  serve(command: RemotingCommand): void {
    const handler = this.#options.handlers.get(command.code);
    if (!handler) {
      this.#unknown++;
      this.#warn("unknown request", `Ignored a request of the unknown code ${command.code}`);
      return this.#answer(command, {
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: ` request type ${command.code} not supported`,
      });
    }
    const fail = (cause: unknown) => {
      this.#warn("failed handler", `Cannot serve request ${command.code}: ${describe(cause)}`);
      this.#answer(command, { code: ResponseCode.SYSTEM_ERROR, remark: "the client failed" });
    };
    try {
      const answer = handler(command, this.#connection);
      if (answer instanceof Promise) {
        answer.then((later) => this.#answer(command, later ?? {})).catch(fail);
      } else this.#answer(command, answer ?? {});
    } catch (cause) {
      fail(cause);
    }
  }

  #answer(command: RemotingCommand, answer: ServerRequestAnswer): void {
    if (!isOneway(command)) this.#options.answer(createResponse(command, answer));
  }

  #warn(kind: string, message: string): void {
    this.#options.warnings.warn(kind, message, { address: this.#connection.address });
  }
}
