import { RequestCode } from "../../remoting/mod.ts";

/** The name of a request, by its name in the protocol. */
export type RequestName = keyof typeof RequestCode;

/** When a fault happens. */
export interface FaultCondition {
  /**
   * The requests that it happens to: the name or the code of one, several of them, or `"*"` for
   * all. A name means all forms of that request, `"SEND_MESSAGE"` the single and the batched ones,
   * `"SEND_REPLY_MESSAGE"` both of them and `"PULL_MESSAGE"` that of lite consumers too; a code means
   * exactly that. Requests that a broker sends, `"CHECK_TRANSACTION_STATE"` above all and
   * `"PUSH_REPLY_MESSAGE_TO_CLIENT"`, can be delayed, dropped, cut or closed on.
   */
  on: RequestName | "*" | number | readonly (RequestName | number)[];
  /**
   * Where it happens: the name of a broker, or `"nameServer"`.
   *
   * @default {any of them}
   */
  at?: string;
  /**
   * How many requests pass before it begins to happen.
   *
   * @default {0}
   */
  after?: number;
  /**
   * How often it happens.
   *
   * @default {Infinity}
   */
  times?: number;
  /** Further limits it to requests with these header fields, as they are on the wire. */
  fields?: Readonly<Record<string, string>>;
  /**
   * Whether the request is carried out although it is not answered as it should be. By default it
   * is, as the hardest case for a client; but for `answer`, where it is not.
   */
  carriedOut?: boolean;
}

/** What happens. */
export type FaultAction =
  | {
    /** The request is carried out and answered `ms` milliseconds later; others overtake it. */
    action: "delay";
    /** Milliseconds. */
    ms: number;
  }
  | {
    /** No answer comes, and the connection stays. */
    action: "drop";
  }
  | {
    /** The connection ends in the middle of the answer. */
    action: "cut";
    /**
     * How many bytes of the answer's frame come before.
     *
     * @default {half of them}
     */
    bytes?: number;
  }
  | {
    /** The connection ends without an answer. */
    action: "close";
  }
  | {
    /** Another answer comes in place of the right one. */
    action: "answer";
    /** Response code; {@linkcode ResponseCode} of `./remoting` names the known ones. */
    code: number;
    /** Its reason. */
    remark?: string;
    /** Its header fields. */
    extFields?: Record<string, string>;
  };

/** A fault: when it happens, and what. */
export type FaultRule = FaultCondition & FaultAction;

/** The requests that have several codes. */
const FORMS: Partial<Record<RequestName, readonly number[]>> = {
  SEND_MESSAGE: [
    RequestCode.SEND_MESSAGE,
    RequestCode.SEND_MESSAGE_V2,
    RequestCode.SEND_BATCH_MESSAGE,
  ],
  SEND_REPLY_MESSAGE: [RequestCode.SEND_REPLY_MESSAGE, RequestCode.SEND_REPLY_MESSAGE_V2],
  PULL_MESSAGE: [RequestCode.PULL_MESSAGE, RequestCode.LITE_PULL_MESSAGE],
};

/** The codes that a rule is about; undefined for all. */
export function codesOf(on: FaultRule["on"]): ReadonlySet<number> | undefined {
  if (on === "*") return undefined;
  const list = typeof on === "object" ? on : [on];
  return new Set(
    list.flatMap((entry) =>
      typeof entry === "number" ? [entry] : FORMS[entry] ?? [RequestCode[entry]]
    ),
  );
}

/** Whether a request is carried out although it is not answered as it should be. */
export function isCarriedOut(rule: FaultRule): boolean {
  return rule.carriedOut ?? rule.action !== "answer";
}
