/** Names of this machine on the loopback interface, as a URL writes them. */
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"] as const;

/** Only what the page brings is run and shown, and it talks to its own origin only. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "cache-control": "no-store",
};

/** Whether a hostname is one of the loopback interface. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.some((name) => name === hostname || name === `[${hostname}]`);
}

/**
 * Why a request is refused, or nothing. A name that somebody else's DNS gives to this machine is not
 * ours; a page of another origin gets nothing to read and changes nothing.
 */
export function findRefusal(request: Request, path: string, port: number): string | undefined {
  const { headers, method } = request;
  const host = headers.get("host") ?? "";
  const isOurs = LOOPBACK.some((name) =>
    host === `${name}:${port}` || (port === 80 && host === name)
  );
  if (!isOurs) return "The inspector answers to loopback names only";
  const site = headers.get("sec-fetch-site");
  if (method === "GET" || method === "HEAD") {
    const isForeign = site === "cross-site" || site === "same-site";
    return isForeign && path !== "/" ? "Another origin asks for this" : undefined;
  }
  if (headers.get("origin") !== `http://${host}`) return "Another origin, or none, asks for this";
  if (site !== null && site !== "same-origin") return "Another origin asks for this";
  return undefined;
}

/** A response with everything that a browser has to be told. */
export function respond(
  body: BodyInit | null,
  type: string,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): Response {
  return new Response(body, {
    status,
    headers: { ...SECURITY_HEADERS, "content-type": type, ...headers },
  });
}

/** A response in one line of text. */
export function respondText(
  text: string,
  status: number,
  headers: Record<string, string> = {},
): Response {
  return respond(`${text}\n`, "text/plain; charset=utf-8", { status, headers });
}

/** A response in JSON. */
export function respondJson(value: unknown): Response {
  return respond(JSON.stringify(value), "application/json; charset=utf-8");
}
