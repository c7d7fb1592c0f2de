import { describe } from "../../errors.ts";
import type { ClusterWatch } from "./cluster_watch.ts";
import type { EventStreams } from "./event_streams.ts";
import { findRefusal, respond, respondJson, respondText } from "./guard.ts";
import { previewMessage } from "./message_preview.ts";
import { ASSETS } from "./page/mod.ts";
import type { InspectedBroker } from "./source.ts";
import type { TransactionLog } from "./transaction_log.ts";

/** Most bytes that a page sends. */
const MAX_REQUEST = 4_096;

/** Most characters of a transaction id. */
const MAX_ID = 256;

/** What requests are answered from. */
export interface RouteParts {
  /** The transactions. */
  log: TransactionLog;
  /** The pages that look on. */
  streams: EventStreams;
  /** The embedded broker, if there is one. */
  broker: InspectedBroker | undefined;
  /** The cluster, if there is one. */
  watch: ClusterWatch | undefined;
  /** The port that is listened on. */
  port(): number;
}

/** Answers a request; it never throws. */
export async function answer(request: Request, parts: RouteParts): Promise<Response> {
  try {
    const path = new URL(request.url).pathname;
    const refusal = findRefusal(request, path, parts.port());
    if (refusal !== undefined) return respondText(refusal, 403);
    const { method } = request;
    if (method === "POST") return await change(request, path, parts);
    if (method !== "GET" && method !== "HEAD") {
      return respondText("Only GET, HEAD and POST are known", 405, { allow: "GET, HEAD, POST" });
    }
    return await read(request, path, parts);
  } catch (error) {
    return respondText(`That went wrong: ${describe(error)}`, 500);
  }
}

async function read(request: Request, path: string, parts: RouteParts): Promise<Response> {
  const asset = ASSETS.get(path);
  if (asset) return respond(request.method === "HEAD" ? null : asset.text, asset.type);
  if (path === "/events") {
    if (request.method === "HEAD") return respond(null, "text/event-stream; charset=utf-8");
    const after = new URL(request.url).searchParams.get("after");
    return parts.streams.open(request.headers.get("last-event-id") ?? after);
  }
  const [, folder, name = "", rest] = path.split("/");
  const id = folder === "transactions" ? decodeId(name) : undefined;
  const detail = id === undefined ? undefined : parts.log.detail(id);
  if (!detail) return respondText("There is no such page or transaction", 404);
  if (rest === undefined) return respondJson(detail);
  if (rest !== "message" || !parts.broker) return respondText("There is no such page", 404);
  const message = await parts.broker.messageOf(detail.id, detail.topic);
  return respondJson(message ? previewMessage(message) : null);
}

async function change(request: Request, path: string, parts: RouteParts): Promise<Response> {
  if (path === "/check-now" && parts.broker) {
    return respondJson({ asked: parts.broker.checkNow() });
  }
  if (path !== "/watch" || !parts.watch) return respondText("There is no such page", 404);
  const text = await readShort(request);
  if (text === undefined) return respondText(`More than ${MAX_REQUEST} bytes`, 413);
  const id = text.trim();
  if (id === "" || id.length > MAX_ID) {
    return respondText(`A transaction id has 1 to ${MAX_ID} characters`, 400);
  }
  parts.watch.add(id);
  try {
    await parts.watch.ask(id);
  } catch (error) {
    return respondJson({ id, problem: describe(error) });
  }
  return respondJson({ id });
}

/** The body of a request, unless it is long. */
async function readShort(request: Request): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "", size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > MAX_REQUEST) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

function decodeId(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
