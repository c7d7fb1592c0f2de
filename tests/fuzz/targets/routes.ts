import { assert } from "@std/assert";
import { BrokerResponseError, ProtocolError } from "../../../src/errors.ts";
import { readGetRouteInfoResponse } from "../../../src/requests/mod.ts";
import { TopicRoute } from "../../../src/route/mod.ts";
import { readVectors } from "../../remoting/fixtures.ts";
import { command } from "../../remoting/frames.ts";
import type { Random } from "../random.ts";
import type { Target } from "../target.ts";

/** The bodies of routes, changed byte by byte, or made of JSON values in wrong places. */
export function routesTarget(): Target {
  const texts: string[] = readVectors("routes").map(({ input }) => input.text);
  const seeds = texts.map((text) => encoder.encode(text));
  return {
    name: "routes",
    seeds,
    refusals: [ProtocolError, BrokerResponseError],
    madeOneIn: 2,
    make: (random) => encoder.encode(distort(random, random.pick(texts))),
    read(input) {
      const data = readGetRouteInfoResponse(command({ flag: 1, body: input }), CONTEXT);
      const route = new TopicRoute("orders", data!, {});
      assert(route.writableQueues.length <= 65_536);
      for (const name of route.brokerNames) {
        const address = route.masterAddress(name);
        assert(
          address === undefined || /^(\[[0-9a-f:.%]+\]|[\w.-]+):\d{1,5}$/i.test(address),
          address,
        );
      }
      return true;
    },
  };
}

const encoder = new TextEncoder();
const CONTEXT = { address: "127.0.0.1:9876", topic: "orders" };

const VALUES = [
  "null",
  "true",
  "0",
  "-1",
  "1.5",
  "1e9",
  "2147483648",
  "9007199254740993",
  '""',
  '"x"',
  "[]",
  "{}",
  "[[]]",
  '{"@type":"java.lang.Runtime"}',
  '"a:1"',
  '"169.254.169.254:80"',
  '"127.0.0.1:65536"',
  '"\\u0000:1"',
  '{0:"127.0.0.1:10911"}',
  "",
  ",",
  "{",
  "}",
] as const;

/** Puts another value in the place of one. */
function distort(random: Random, text: string): string {
  const places = [...text.matchAll(/(?<=:)("[^"]*"|[\d.]+|true|false|\[[^[\]]*\]|\{[^{}]*\})/g)];
  if (places.length === 0) return text;
  const { index, 0: old } = random.pick(places);
  return text.slice(0, index) + random.pick(VALUES) + text.slice(index + old.length);
}
