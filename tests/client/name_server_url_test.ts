import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Producer } from "../../mod.ts";
import { ConnectionError, RocketMQError } from "../../src/errors.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { testSecret } from "../support/secrets.ts";

/** A web server on loopback for one test. */
function serve(
  handler: (request: Request) => Response,
): AsyncDisposable & { url: string; paths: string[] } {
  const paths: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    paths.push(new URL(request.url).pathname);
    return handler(request);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    paths,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function producerOf(nameServersUrl: string, startTimeout = 2_000): Producer {
  const options = { producerGroup: "orders", topics: ["orders"] };
  return new Producer({ ...options, nameServersUrl, startTimeout });
}

Deno.test("nameServersUrl - a producer finds its cluster through a web server", async () => {
  await using broker = await EmbeddedBroker.start({ topics: ["orders"] });
  await using web = serve(() => new Response(`${broker.nameServer}\n`));
  await using producer = producerOf(`${web.url}/rocketmq/nsaddr`, 10_000);
  await producer.start();
  await producer.send({ topic: "orders", body: "order 1" });

  assertEquals(web.paths, ["/rocketmq/nsaddr"]);
  assertEquals((await broker.messages("orders")).length, 1);
});

Deno.test("nameServersUrl - a redirect is not followed", async () => {
  await using web = serve((request) => Response.redirect(new URL("/elsewhere", request.url)));
  await using producer = producerOf(`${web.url}/list`);
  const { message } = await assertRejects(() => producer.start(), RocketMQError);

  assertStringIncludes(message, "redirects are not followed");
  assertEquals(web.paths, ["/list"]);
});

Deno.test("nameServersUrl - an endless answer is not read to its end", async () => {
  let pulls = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulls++;
        controller.enqueue(new Uint8Array(16 * 1024).fill(32));
      },
    });
  await using web = serve(() => new Response(endless()));
  await using producer = producerOf(web.url, 10_000);
  const { message } = await assertRejects(() => producer.start(), RocketMQError);

  assertStringIncludes(message, "more than 65536 bytes");
  assertEquals(pulls < 10_000, true);
});

Deno.test("nameServersUrl - where nothing listens the error says so, without user and query", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await using producer = producerOf(
    `http://me:${testSecret("hunter2")}@127.0.0.1:${port}/list?key=${testSecret("hunter3")}`,
    600,
  );
  const error = await assertRejects(() => producer.start(), ConnectionError);

  assertStringIncludes(error.message, `http://127.0.0.1:${port}/list: `);
  assertStringIncludes(error.message, "refused");
  assertEquals(Deno.inspect(error).includes("hunter"), false, error.message);
});

Deno.test({
  name: "nameServersUrl - without permission the error names the flag",
  permissions: { net: false },
  async fn() {
    await using producer = producerOf("http://config.example:8080/list", 60_000);
    const error = await assertRejects(() => producer.start(), ConnectionError);

    assertStringIncludes(error.message, "--allow-net=config.example:8080");
    assertEquals(error.isRetriable, false);
  },
});
