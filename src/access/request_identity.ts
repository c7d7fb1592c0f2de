import { type RemotingCommand, type RemotingRequest, withFields } from "../remoting/internal.ts";
import { addNamespace, type ClientNamespace } from "./namespace.ts";
import { type Credentials, signRequest } from "./credentials.ts";
import {
  factsOf,
  outcomeOf,
  type RequestFacts,
  type RequestHook,
  runBefore,
} from "./request_hook.ts";

/** Header field with the kind of client that sends a request, and its value for streams. */
const REQUEST_TYPE = "ReqT", STREAM = "0";

/** What every request of a client says of its sender. */
export interface RequestIdentity {
  /** Signs each request. */
  readonly credentials: Credentials | undefined;
  /** Namespace of version 1. */
  readonly namespace: ClientNamespace | undefined;
  /** Namespace of version 2. */
  readonly namespaceV2: string | undefined;
  /** `true` if requests say that they come from a stream client. */
  readonly enableStreamRequestType: boolean;
  /** Observers of requests. */
  readonly requestHooks: readonly RequestHook[];
}

/** A request as it leaves, and a callback for its end. */
interface IdentifiedRequest {
  readonly request: RemotingRequest;
  /** Takes the response, the error, or nothing if it was one-way and was written. Never throws. */
  readonly onSettled?: (end: RemotingCommand | Error | undefined) => void;
}

/** Adds to a request the identity of its sender. Nothing may be changed afterwards. */
type IdentifyRequest = (
  request: RemotingRequest,
  address: string,
  oneway: boolean,
) => IdentifiedRequest;

/**
 * Makes a function that adds to requests the identity of their sender, in the order in which servers
 * undo it: names, namespace, kind of client, hooks, and the signature over all of that. Returns
 * undefined if there is nothing to add.
 *
 * @param warn Takes what a hook threw that only observes.
 */
export function identifyRequests(
  identity: RequestIdentity,
  warn: (reason: string, error: unknown) => void,
): IdentifyRequest | undefined {
  const { credentials, namespace, namespaceV2, enableStreamRequestType, requestHooks } = identity;
  if (
    !credentials && !namespace && namespaceV2 === undefined && !enableStreamRequestType &&
    requestHooks.length === 0
  ) {
    return undefined;
  }
  const observers = requestHooks.filter(({ after }) => after !== undefined);
  return (original, address, oneway) => {
    let request = namespace ? namespace.request(original) : original;
    if (namespaceV2 !== undefined) request = addNamespace(namespaceV2, request);
    if (enableStreamRequestType) {
      request = withFields(request, { ...request.extFields, [REQUEST_TYPE]: STREAM });
    }
    const notify = (
      hooks: readonly RequestHook[],
      facts: RequestFacts,
      end: RemotingCommand | Error | undefined,
    ) => {
      for (const hook of hooks) {
        try {
          hook.after?.(facts, outcomeOf(end), address);
        } catch (error) {
          warn("A request hook failed after a request", error);
        }
      }
    };
    for (const [index, hook] of requestHooks.entries()) {
      try {
        request = runBefore(hook, request, { address, oneway });
      } catch (error) {
        notify(requestHooks.slice(0, index), factsOf(request, oneway), error as Error);
        throw error;
      }
    }
    if (credentials) request = signRequest(request, credentials);
    if (observers.length === 0) return { request };
    const facts = factsOf(request, oneway);
    return { request, onSettled: (end) => notify(observers, facts, end) };
  };
}

/** Makes a function that shows requests of servers to the hooks for them, if there are any. */
export function showReceived(
  hooks: readonly RequestHook[],
  warn: (reason: string, error: unknown) => void,
): ((command: RemotingCommand, address: string, oneway: boolean) => void) | undefined {
  const observers = hooks.filter(({ received }) => received !== undefined);
  if (observers.length === 0) return undefined;
  return (command, address, oneway) => {
    for (const hook of observers) {
      try {
        hook.received!(factsOf(command, oneway), address);
      } catch (error) {
        warn("A request hook failed on a request of a server", error);
      }
    }
  };
}
