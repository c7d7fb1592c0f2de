import { assert, assertEquals } from "@std/assert";
import { collectPageFiles, PAGE_FILES } from "../../.ci/page.ts";
import { ASSETS } from "../../src/testing/inspector/page/mod.ts";

Deno.test("inspector - its page is published as it is", async () => {
  const published = await Deno.readTextFile(PAGE_FILES);
  assert(
    published === await collectPageFiles(),
    `${PAGE_FILES.pathname} is not what lies beside it: run \`deno task page\``,
  );
  assertEquals(
    [...ASSETS].map(([path, { type }]) => `${path} ${type.split(";")[0]}`),
    [
      "/app.js text/javascript",
      "/charts.js text/javascript",
      "/connection.js text/javascript",
      "/detail.js text/javascript",
      "/format.js text/javascript",
      "/icon.svg image/svg+xml",
      "/ text/html",
      "/list.js text/javascript",
      "/store.js text/javascript",
      "/styles.css text/css",
    ],
  );
});
