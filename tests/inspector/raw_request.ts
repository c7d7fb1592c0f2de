/** Sends a request exactly as it is written, and gives status and text of the response. */
export async function rawRequest(
  url: string,
  lines: readonly string[],
  body = "",
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = [...lines, `Content-Length: ${body.length}`, "Connection: close", "", ""];
  await connection.write(new TextEncoder().encode(head.join("\r\n") + body));
  const text = await new Response(connection.readable).text();
  return { status: Number(text.split(" ", 2)[1]), text };
}
