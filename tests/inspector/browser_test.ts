import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { LocalTransactionState } from "../../mod.ts";
import { serveInspector } from "../../src/testing/mod.ts";
import { BrowserPage } from "../support/browser_page.ts";
import { browserTest } from "../support/browser_test.ts";
import { FIND_LOW_CONTRAST } from "./contrast.ts";
import { InspectedOrders } from "./inspected_orders.ts";
import { ScriptedBrokerSource } from "./scripted_broker_source.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** The row of a transaction, in the page. */
function row(text: string): string {
  const found = `tr => tr.textContent.includes(${JSON.stringify(text)})`;
  return `[...document.querySelectorAll("tbody tr")].find(${found})`;
}

/** The state that its row shows. */
function stateOf(text: string): string {
  return `${row(text)}?.querySelector(".state").textContent`;
}

const TITLES = `[...document.querySelectorAll(".steps .what")].map(step => step.textContent)`;

/** What has the focus, by its words. */
const FOCUSED = `document.activeElement.textContent`;

/** Asserts that a page asked nobody but the inspector, and had nothing to complain about. */
function assertQuiet(page: BrowserPage, url: string): void {
  assertEquals(page.complaints, []);
  assertGreater(page.requests.length, 5);
  assertEquals(page.requests.filter((request) => !request.startsWith(url)), []);
}

browserTest(
  "inspector page - a transaction appears and grows without a reload",
  async (browser) => {
    await using orders = await InspectedOrders.start();
    const { url } = orders.inspector;
    const page = await BrowserPage.open(browser, url);
    await page.until(`document.querySelector("#empty h3")?.textContent === "No transactions yet"`);
    assertStringIncludes(
      await page.evaluate(`document.querySelector("#empty").textContent`),
      "Send one",
    );
    await page.evaluate(`globalThis.isSamePage = true`);

    const id = await orders.send(Unknown, { keys: "order-1", body: "two books" });
    await page.until(`${stateOf(id)} === "Waiting"`);
    await page.evaluate(`${row(id)}.click()`);
    await page.until(`${TITLES}.includes("Verdict: unknown")`);
    await page.until(`${TITLES}.includes("Local transaction: unknown")`);
    const before = await page.evaluate(TITLES);
    assertEquals(before.slice(0, 3), [
      "Half message stored",
      "Half message confirmed",
      "Local transaction: unknown",
    ]);
    await page.until(`document.querySelector(".message pre")?.textContent === "two books"`);

    orders.broker.checkNow();
    await page.until(`${TITLES}.includes("Check-back 1 received")`);
    orders.answer = Commit;
    orders.broker.checkNow();
    await page.until(`${stateOf(id)} === "Visible"`);
    await page.until(`${TITLES}.includes("Verdict confirmed: commit")`);
    const after: string[] = await page.evaluate(TITLES);
    assert(after.indexOf("Check-back 2") > after.indexOf("Check-back 1"));
    assert(after.indexOf("Visible to consumers") > after.lastIndexOf("Verdict: commit"));
    assertEquals(await page.evaluate(`isSamePage`), true);
    assertEquals(
      await page.evaluate(`document.querySelector('[data-counter="visible"]').textContent`),
      "1",
    );
    assertQuiet(page, url);
  },
);

browserTest("inspector page - shows how transactions end, and finds them", async (browser) => {
  await using orders = await InspectedOrders.start();
  const page = await BrowserPage.open(browser, orders.inspector.url);
  const lost = await orders.send(Unknown, { keys: "lost" });
  for (let check = 0; check < 2; check++) {
    orders.broker.checkNow();
    await page.until(`${row(lost)}?.cells[2].textContent === "${check + 1}"`);
  }
  orders.broker.checkNow();
  await page.until(`${stateOf(lost)} === "Given up"`);
  const paid = await orders.send(Commit, { keys: "paid" });
  const declined = await orders.send(Rollback, { keys: "declined" });
  await page.until(`${stateOf(paid)} === "Visible"`);
  await page.until(`${stateOf(declined)} === "Rolled back"`);

  await page.evaluate(`document.querySelector('[for="state-givenUp"]').click()`);
  await page.until(`document.querySelectorAll("tbody tr").length === 1`);
  assertEquals(await page.evaluate(`!!${row("lost")}`), true);
  await page.evaluate(`document.querySelector('[for="state-all"]').click()`);
  await page.press("/");
  await page.type("DECLINED");
  await page.until(`document.querySelectorAll("tbody tr").length === 1`);
  assertEquals(await page.evaluate(stateOf(declined)), "Rolled back");
  await page.type("?");
  await page.until(`document.querySelector("#empty h3")?.textContent === "Nothing matches"`);
  await page.evaluate(`document.querySelector("#empty button").click()`);
  await page.until(`document.querySelectorAll("tbody tr").length === 3`);
  const label = await page.evaluate(`document.querySelector(".chart").getAttribute("aria-label")`);
  assertStringIncludes(label, "Histogram of 2 transactions: p50 ≤ ");
  assertEquals(page.complaints, []);
});

browserTest(
  "inspector page - the keyboard alone opens a transaction and returns",
  async (browser) => {
    await using orders = await InspectedOrders.start();
    const { url } = orders.inspector;
    const page = await BrowserPage.open(browser, url);
    const older = await orders.send(Commit, { keys: "older" });
    const newer = await orders.send(Commit, { keys: "newer" });
    await page.until(`${row(newer)} && ${row(older)}`);

    await page.press("Tab");
    assertEquals(await page.evaluate(FOCUSED), "Skip to the transactions");
    const outline = `getComputedStyle(document.activeElement).outlineStyle`;
    assertEquals(await page.evaluate(outline), "solid");
    await page.press("Enter");
    await page.until(`document.activeElement.id === "transactions"`);
    for (let steps = 0; steps < 9 && await page.evaluate(FOCUSED) !== newer; steps++) {
      await page.press("Tab");
    }
    assertEquals(await page.evaluate(FOCUSED), newer);
    await page.press("ArrowDown");
    assertEquals(await page.evaluate(FOCUSED), older);
    assertEquals(await page.evaluate(outline), "solid");

    await page.press("Enter");
    await page.until(`document.activeElement.id === "detail-title"`);
    assertEquals(await page.evaluate(FOCUSED), `Transaction ${older}`);
    await page.until(`${TITLES}.includes("Visible to consumers")`);
    await page.press("Escape");
    await page.until(`document.querySelector("#detail").hidden`);
    assertEquals(await page.evaluate(FOCUSED), older);

    await page.press("Enter");
    await page.until(`document.activeElement.id === "detail-title"`);
    await page.press("Tab");
    assertEquals(await page.evaluate(FOCUSED), "Close");
    await page.press("Enter");
    await page.until(`document.querySelector("#detail").hidden`);
    assertEquals(await page.evaluate(FOCUSED), older);
    assertQuiet(page, url);
  },
);

browserTest(
  "inspector page - a screen reader finds landmarks, names and the table",
  async (browser) => {
    await using orders = await InspectedOrders.start();
    const page = await BrowserPage.open(browser, orders.inspector.url);
    const id = await orders.send(Commit, { keys: "order-1" });
    await page.until(`${stateOf(id)} === "Visible"`);
    await page.evaluate(`${row(id)}.click()`);
    await page.until(`${TITLES}.includes("Visible to consumers")`);
    await page.until(`document.querySelector(".message pre")`);

    const { nodes } = await page.send("Accessibility.getFullAXTree");
    const found = new Set<string>();
    for (const { ignored, role, name } of nodes) {
      if (!ignored) found.add(`${role?.value}: ${name?.value ?? ""}`);
    }
    const wanted = [
      "banner: ",
      "main: ",
      "contentinfo: ",
      "search: ",
      "heading: Transaction inspector",
      "region: Overview",
      "region: Transactions",
      `complementary: Transaction ${id}`,
      "link: Skip to the transactions",
      "button: Pause",
      "button: Check back now",
      "button: Close",
      "searchbox: Find by id, key, topic or state",
      "group: State",
      "radio: All",
      "radio: Given up",
      "table: Transactions, the newest first",
      "columnheader: State",
      "columnheader: Check-backs",
      "cell: Visible",
      `link: ${id}`,
      "list: Timeline",
      "image: Histogram of 1 transaction: p50",
      "status: ",
    ];
    const all = [...found];
    const missing = wanted.filter((name) => !all.some((node) => node.startsWith(name)));
    assertEquals(missing, [], all.join("\n"));
    const unnamed = all.filter((node) =>
      /^(button|link|searchbox|radio|image|region): $/.test(node)
    );
    assertEquals(unnamed, []);
  },
);

browserTest("inspector page - text is readable in light and in dark", async (browser) => {
  await using orders = await InspectedOrders.start();
  const page = await BrowserPage.open(browser, orders.inspector.url);
  const id = await orders.send(Commit, { keys: "order-1" });
  const open = await orders.send(Unknown, { keys: "order-2" });
  await orders.send(Rollback, { keys: "order-3" });
  await page.until(`${row(open)} && ${stateOf(id)} === "Visible"`);
  const backgrounds = new Set<string>();
  const check = async () => {
    for (const colors of ["light", "dark"] as const) {
      await page.prefer(colors);
      backgrounds.add(
        await page.evaluate(`getComputedStyle(document.documentElement).backgroundColor`),
      );
      const { count, low } = await page.evaluate(FIND_LOW_CONTRAST);
      assertGreater(count, 40);
      assertEquals([colors, low], [colors, []]);
    }
  };
  await check();
  await page.evaluate(`${row(id)}.click()`);
  await page.until(`document.querySelector(".message pre")`);
  await page.evaluate(`document.querySelector("#pause").click()`);
  await check();
  assertEquals(backgrounds.size, 2);
});

browserTest("inspector page - what a message says stays text", async (browser) => {
  await using orders = await InspectedOrders.start();
  const { url } = orders.inspector;
  const page = await BrowserPage.open(browser, url);
  const hostile = `<img src=x onerror="globalThis.isOwned=1"><script>isOwned=1</script>`;
  const key = "<img/src=x/onerror=globalThis.isOwned=1>";
  const id = await orders.send(Commit, {
    ...{ keys: key, tags: "<b>bold</b>", body: hostile },
    properties: { "<i>name</i>": hostile },
  });
  await page.until(`${stateOf(id)} === "Visible"`);
  await page.evaluate(`${row(id)}.click()`);
  await page.until(`document.querySelector(".message pre")`);
  assertEquals(await page.evaluate(`document.querySelector(".message pre").textContent`), hostile);
  assertStringIncludes(await page.evaluate(`${row(id)}.textContent`), key);
  const details = await page.evaluate(`document.querySelector(".message details").textContent`);
  assertStringIncludes(details, "<i>name</i>");
  const made = `document.querySelectorAll("main img, main script, main b, main i").length`;
  assertEquals(await page.evaluate(made), 0);
  assertEquals(await page.evaluate(`typeof globalThis.isOwned`), "undefined");
  assertQuiet(page, url);
});

browserTest(
  "inspector page - a bounded number of rows, whatever the number of transactions",
  async (browser) => {
    const broker = new ScriptedBrokerSource();
    await using inspector = await serveInspector({ broker }, { maxTransactions: 600 });
    const page = await BrowserPage.open(browser, inspector.url);
    for (let n = 0; n < 900; n++) broker.stores(`transaction-${n}`, { time: 1_000 + n });
    await page.until(`${row("transaction-899")}`);
    assertEquals(await page.evaluate(`document.querySelectorAll("tbody tr").length`), 200);
    await page.until(
      `document.querySelector("#shown").textContent.startsWith("The newest 200 of 600")`,
    );
    await page.press("/");
    await page.type("transaction-301");
    await page.until(`document.querySelectorAll("tbody tr").length === 1`);
    assertEquals(await page.evaluate(`${stateOf("transaction-301")}`), "Waiting");
  },
);

browserTest("inspector page - goes on by itself when the inspector comes back", async (browser) => {
  const broker = new ScriptedBrokerSource();
  let port: number;
  let page: BrowserPage;
  {
    await using inspector = await serveInspector({ broker });
    port = Number(new URL(inspector.url).port);
    page = await BrowserPage.open(browser, inspector.url);
    broker.stores("first");
    await page.until(row("first"));
    await page.until(`document.querySelector("#link-text").textContent === "Live"`);
  }
  await page.until(
    `document.querySelector("#link-text").textContent.startsWith("Connection lost")`,
  );
  await using _inspector = await serveInspector({ broker }, { port });
  broker.stores("second");
  await page.until(row("second"));
  assertEquals(await page.evaluate(`!!${row("first")}`), false);
  await page.until(`document.querySelector("#link-text").textContent === "Live"`);
});

browserTest("inspector page - one may have it asked back, and pause it", async (browser) => {
  await using orders = await InspectedOrders.start();
  const page = await BrowserPage.open(browser, orders.inspector.url);
  const id = await orders.send(Unknown, { keys: "order-1" });
  await page.until(`${stateOf(id)} === "Waiting"`);
  await page.evaluate(`document.querySelector("#pause").click()`);
  orders.answer = Commit;
  await page.evaluate(`document.querySelector("#check-now").click()`);
  await page.until(`document.querySelector('[data-counter="visible"]').textContent === "1"`);
  assertEquals(await page.evaluate(stateOf(id)), "Waiting");
  assertEquals(await page.evaluate(`document.querySelector("#link-text").textContent`), "Paused");
  assertEquals(await page.evaluate(`document.querySelector("#pause").textContent`), "Resume");
  await page.evaluate(`document.querySelector("#pause").click()`);
  await page.until(`${stateOf(id)} === "Visible"`);
  assertEquals(await page.evaluate(`document.querySelector("#pause").textContent`), "Pause");
  assertEquals(page.complaints, []);
});

browserTest("inspector page - arrows lead into the list, and change no filter", async (browser) => {
  await using orders = await InspectedOrders.start();
  const page = await BrowserPage.open(browser, orders.inspector.url);
  const older = await orders.send(Commit, { keys: "older" });
  const newer = await orders.send(Commit, { keys: "newer" });
  await page.until(`${row(newer)} && ${row(older)}`);

  assertEquals(await page.evaluate(`document.activeElement === document.body`), true);
  await page.press("ArrowDown");
  assertEquals(await page.evaluate(FOCUSED), newer);
  await page.press("j");
  assertEquals(await page.evaluate(FOCUSED), older);
  await page.press("k");
  assertEquals(await page.evaluate(FOCUSED), newer);

  await page.evaluate(`document.querySelector("#state-visible").focus()`);
  await page.evaluate(`document.querySelector('[for="state-visible"]').click()`);
  await page.press("ArrowDown");
  assertEquals(await page.evaluate(FOCUSED), newer);
  assertEquals(await page.evaluate(`document.querySelector("#state-visible").checked`), true);
  await page.press("/");
  await page.type("j");
  assertEquals(await page.evaluate(`document.querySelector("#query").value`), "j");
});

browserTest("inspector page - on a narrow screen rows can be told apart", async (browser) => {
  await using orders = await InspectedOrders.start();
  const page = await BrowserPage.open(browser, orders.inspector.url, { size: [390, 844] });
  const ids = [
    await orders.send(Commit, { keys: "order-1" }),
    await orders.send(Rollback, { keys: "order-2" }),
  ];
  for (const id of ids) await page.until(`${row(id)} && ${stateOf(id)} !== "Waiting"`);
  const shown = await page.evaluate(`[...document.querySelectorAll("tbody tr")].map((row) => {
    const isWhole = (element) => {
      const { left, right } = element.getBoundingClientRect();
      return left >= 0 && right <= innerWidth && element.scrollWidth <= element.clientWidth + 1;
    };
    return [...row.querySelectorAll(".id-tail, .about, .state, .number:not(:nth-of-type(2))")]
      .filter((element) => element.offsetWidth > 0).every(isWhole);
  })`);
  assertEquals(shown, [true, true]);
  assertEquals(await page.evaluate(`document.documentElement.scrollWidth <= innerWidth`), true);
  const tails = await page.evaluate(
    `[...document.querySelectorAll(".id-tail")].map((tail) => tail.textContent)`,
  );
  assertEquals(tails, ids.map((id) => id.slice(-10)).reverse());
});
