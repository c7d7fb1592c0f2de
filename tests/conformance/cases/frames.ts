import { assertEquals } from "@std/assert";
import { CommitOrRollback } from "../../../src/requests/mod.ts";
import { encodeCommand } from "../../../src/remoting/mod.ts";
import { command, frameOf, utf8, words } from "../../remoting/frames.ts";
import { createEndTransactionRequest } from "../../support/requests.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import { register, sendHalf, takeCheck, uniqueName, verdictHeader, visible } from "../steps.ts";

const { Commit } = CommitOrRollback;

/** Both header forms, and bytes that are no frames. */
export const frameCases: ConformanceCase[] = [
  defineCase("header - both forms are read, one is written", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    await using nameServer = await Peer.connect(cluster.nameServer);
    for (const serializeType of ["JSON", "ROCKETMQ"] as const) {
      const route = { code: 105, extFields: { topic: "TBW102" } };
      const found = await nameServer.ask(route, { serializeType });
      assertEquals([found.code, found.serializeType], [0, cluster.serializeType]);

      const topic = uniqueName("Header"), group = uniqueName("group");
      await register(peer, group);
      const half = await sendHalf(peer, { topic, group, properties: { own: "ä€😀" } });
      const check = await takeCheck(peer, half);
      assertEquals(check.request.serializeType, cluster.serializeType);
      const verdict = createEndTransactionRequest(
        verdictHeader(check.half, Commit, { fromTransactionCheck: true }),
      );
      const answer = await peer.ask(verdict, { serializeType });
      assertEquals([answer.code, answer.serializeType], [0, cluster.serializeType]);
      const [message] = await visible(peer, topic, 1);
      assertEquals(message!.properties.own, "ä€😀");
    }
  }),

  defineCase("header - answers name server and version", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const { language, version, flag } = await peer.ask({
      code: 30,
      extFields: { topic: "T", queueId: "0" },
    });
    assertEquals([language, version, flag], [0, 513, 1]);
  }),

  defineCase("header - the least of one is enough", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    await peer.write(frameOf('{"code":9999,"opaque":1}'));
    const response = await peer.askBriefly({ code: 9999 }, 5_000);
    assertEquals(response?.code, 3);
  }),

  defineCase("frame - bytes that are none end the connection", async (cluster) => {
    const good = encodeCommand(command({ code: 9999 }));
    const bad: Record<string, Uint8Array> = {
      "negative length": words(-1, 0, 0, 0),
      "length 0": words(0, 0, 0, 0),
      "length 3": words(3, 0, 0, 0),
      "length over 16 MiB": words(16 * 1024 * 1024 - 3, 0, 0, 0),
      "header longer than the frame": words(20, 30, 0, 0, 0, 0),
      "serialize type 2": words(20, 0x0200_0010, 0, 0, 0, 0),
      "header that is not JSON": frameOf("this is no JSON header"),
      "HTTP": utf8("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    };
    for (const address of [cluster.broker.address, cluster.nameServer]) {
      for (const [what, bytes] of Object.entries(bad)) {
        await using peer = await Peer.connect(address);
        await peer.write(bytes);
        await peer.write(good).catch(() => {});
        const ended = await Promise.race([
          peer.closed.then(() => true),
          new Promise<boolean>((resolve) =>
            peer.askBriefly({ code: 9999 }, 5_000).then(
              () => resolve(false),
              () => peer.closed.then(() => resolve(true)),
            )
          ),
        ]);
        assertEquals([what, ended], [what, true]);
      }
    }
  }),
];
