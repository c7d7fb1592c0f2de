import { EmbeddedBroker, serveInspector } from "../../src/testing/mod.ts";
import { BrowserPage, type PageOptions } from "../support/browser_page.ts";
import { Chromium } from "../support/chromium.ts";
import { progress } from "../support/progress.ts";
import { shrinkPng } from "../support/shrink_png.ts";
import { DEMO_BROKER, DemoLoad } from "./demo_load.ts";

/** Orders that are on the picture. */
const ORDERS = 13;

/** Makes a picture of the page with transactions of every kind, one of them opened. A signal ends it. */
export async function takeScreenshot(
  file: string,
  colors: NonNullable<PageOptions["colors"]>,
  signal: AbortSignal,
): Promise<void> {
  await using browser = await Chromium.start();
  signal.addEventListener("abort", () => void browser[Symbol.asyncDispose]());
  await using broker = await EmbeddedBroker.start(DEMO_BROKER);
  await using load = new DemoLoad(broker);
  await using inspector = await serveInspector({ broker, producer: load.producer });
  const page = await BrowserPage.open(browser, inspector.url, { colors });
  await load.producer.start();
  const send = async (count: number) => {
    for (let sent = 0; sent < count; sent++) await load.next();
  };
  progress("Sending transactions until one is given up …");
  await send(ORDERS);
  await page.until(`document.querySelector('[data-counter="givenUp"]')?.textContent === "1"`);
  await send(3);
  await page.until(`document.querySelector("tbody").textContent.includes("order-1056")`);
  const isLate = `tr => tr.textContent.includes("order-1052")`;
  await page.evaluate(`[...document.querySelectorAll("tbody tr")].find(${isLate}).click()`);
  await page.until(`document.querySelector(".message pre")`);
  await page.evaluate(`document.activeElement.blur()`);
  await Deno.writeFile(file, shrinkPng(await page.screenshot()));
  for (const complaint of page.complaints) progress(`The page complains: ${complaint}`);
}
