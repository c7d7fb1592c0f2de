import { BROWSER_ENV, Chromium, findChromium, NO_BROWSER } from "./chromium.ts";
import { progress } from "./progress.ts";

/** Found out while the module loads, as a test that can't run must not be registered. */
const IS_AVAILABLE = await findChromium() !== undefined;

/**
 * Registers a test in a real headless browser, one of its own. Where there is none, nothing is
 * registered and one line on stderr says why; with `ROCKETMQ_TESTS_REQUIRE_BROWSER=1` the test fails
 * instead.
 *
 * @example
 * ```ts ignore
 * browserTest("page - has a title", async (browser) => {
 *   const page = await BrowserPage.open(browser, url);
 *   await page.until(`document.title === "Transaction inspector"`);
 * });
 * ```
 */
export function browserTest(name: string, fn: (browser: Chromium) => Promise<void>): void {
  if (IS_AVAILABLE) {
    Deno.test(name, async () => {
      await using browser = await Chromium.start();
      await fn(browser);
    });
  } else if (Deno.env.get(BROWSER_ENV.required) === "1") {
    Deno.test(name, () => {
      throw new Error(`Cannot run a test that is required: ${NO_BROWSER}`);
    });
  } else {
    announce();
  }
}

/** Says once in a process, in one line, that tests in a browser do not run. */
function announce(): void {
  if (Deno.env.get(BROWSER_ENV.announced)) return;
  Deno.env.set(BROWSER_ENV.announced, "1");
  progress(`Tests in a browser do not run: ${NO_BROWSER}`);
}
