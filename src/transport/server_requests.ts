import { describe } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import {
  createResponse,
  isOneway,
  type RemotingCommand,
  requestName,
  ResponseCode,
} from "../remoting/internal.ts";
import type { ServerRequestAnswer } from "./connection_types.ts";

/** The answer to a request, perhaps later. Without one the response is an empty success. */
type ServedAnswer = ServerRequestAnswer | void | Promise<ServerRequestAnswer | void>;

/** The settings of {@linkcode ServerRequests}. */
export interface ServerRequestsOptions {
  /** `host:port` of the server. */
  address: string;
  /** Returns the handler for requests of a code, if there is one. */
  handlerOf: (code: number) => ((command: RemotingCommand) => ServedAnswer) | undefined;
  /** Log for requests that can't be served. */
  warnings: ThrottledLogger;
  /** Takes the answer to a request that is not one-way. */
  answer: (answer: RemotingCommand) => void;
}

/** Passes requests of a server to their handlers. Nothing that these do affects the reader. */
export class ServerRequests {
  readonly #options: ServerRequestsOptions;
  #unknown = 0;

  constructor(options: ServerRequestsOptions) {
    this.#options = options;
  }

  /** Returns the number of requests without a handler. */
  get unknown(): number {
    return this.#unknown;
  }

  /** Serves a request. Never throws. */
  serve(command: RemotingCommand): void {
    const handler = this.#options.handlerOf(command.code);
    if (!handler) {
      this.#unknown++;
      this.#warn("unknown request", `Ignored a request of the unknown code ${command.code}`);
      return this.#answer(command, {
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: ` request type ${command.code} not supported`,
      });
    }
    const fail = (cause: unknown) => {
      this.#warn("failed handler", `Cannot serve ${requestName(command.code)}: ${describe(cause)}`);
      this.#answer(command, { code: ResponseCode.SYSTEM_ERROR, remark: "the client failed" });
    };
    try {
      const answer = handler(command);
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
    const { warnings, address } = this.#options;
    warnings.warn(kind, message, { address });
  }
}
