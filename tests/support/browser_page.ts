import type { Chromium } from "./chromium.ts";
import type { DevTools, DevToolsEvent, Json } from "./dev_tools.ts";
import { eventually } from "./progress.ts";

/** Keys that tests press, as a keyboard sends them. */
const KEYS: Readonly<Record<string, { code: string; keyCode: number; text?: string }>> = {
  Tab: { code: "Tab", keyCode: 9 },
  Enter: { code: "Enter", keyCode: 13, text: "\r" },
  Escape: { code: "Escape", keyCode: 27 },
  ArrowUp: { code: "ArrowUp", keyCode: 38 },
  ArrowDown: { code: "ArrowDown", keyCode: 40 },
  ArrowRight: { code: "ArrowRight", keyCode: 39 },
  j: { code: "KeyJ", keyCode: 74, text: "j" },
  k: { code: "KeyK", keyCode: 75, text: "k" },
  "/": { code: "Slash", keyCode: 191, text: "/" },
};

/** Milliseconds to wait for what has to come. */
const PATIENCE = 20_000;

/** How a page is looked at. */
export interface PageOptions {
  /** Width and height in pixels. @default {[1280, 800]} */
  size?: readonly [width: number, height: number];
  /** Colours that the person prefers. @default {"light"} */
  colors?: "light" | "dark";
  /** Pixels of the screen for one of the page. @default {1} */
  scale?: number;
}

/** A page in a browser of its own kind: what it asks for and complains about is noted. */
export class BrowserPage {
  /** Addresses that it asked for. */
  readonly requests: string[] = [];
  /** What it wrote as an error or a warning, threw, or was refused. */
  readonly complaints: string[] = [];
  readonly #devTools: DevTools;
  readonly #session: string;

  private constructor(devTools: DevTools, session: string) {
    this.#devTools = devTools;
    this.#session = session;
    devTools.listen(session, (event) => this.#note(event));
  }

  /** Opens a page that shares nothing with others. */
  static async open(
    { devTools }: Chromium,
    url: string,
    { size: [width, height] = [1280, 800], colors = "light", scale = 1 }: PageOptions = {},
  ): Promise<BrowserPage> {
    const { browserContextId } = await devTools.send("Target.createBrowserContext");
    const { targetId } = await devTools.send("Target.createTarget", {
      url: "about:blank",
      browserContextId,
    });
    const { sessionId } = await devTools.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new BrowserPage(devTools, sessionId);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.send(`${domain}.enable`);
    await page.send("Emulation.setDeviceMetricsOverride", {
      ...{ width, height, deviceScaleFactor: scale, mobile: false },
    });
    await page.send("Emulation.setFocusEmulationEnabled", { enabled: true });
    await page.prefer(colors);
    await page.send("Page.navigate", { url });
    return page;
  }

  /** Sends a command of the protocol. */
  send(method: string, params: Json = {}): Promise<Json> {
    return this.#devTools.send(method, params, this.#session);
  }

  /** Changes the colours that the person prefers. */
  async prefer(colors: "light" | "dark"): Promise<void> {
    await this.send("Emulation.setEmulatedMedia", {
      features: [
        { name: "prefers-color-scheme", value: colors },
        { name: "prefers-reduced-motion", value: "reduce" },
      ],
    });
  }

  /** What an expression is in the page; a promise is waited for. */
  async evaluate(expression: string): Promise<Json> {
    const { result, exceptionDetails: details } = await this.send("Runtime.evaluate", {
      ...{ expression, awaitPromise: true, returnByValue: true },
    });
    if (details) throw new Error(details.exception?.description ?? details.text);
    return result.value;
  }

  /** Waits until an expression holds in the page. */
  async until(expression: string): Promise<void> {
    // While a page is on its way nothing can be evaluated in it.
    const holds = () =>
      this.evaluate(`!!(${expression})`).catch((error) => {
        if (!this.#devTools.isOpen) throw error;
        return false;
      });
    if (await eventually(holds, PATIENCE)) return;
    const text = await this.evaluate("document.body.innerText").catch(String);
    throw new Error(`The page did not come to: ${expression}\nIt shows:\n${text}`);
  }

  /** Presses and releases a key. */
  async press(key: string): Promise<void> {
    const { code, keyCode, text } = KEYS[key]!;
    const common = { key, code, windowsVirtualKeyCode: keyCode };
    await this.send("Input.dispatchKeyEvent", {
      ...common,
      type: text === undefined ? "rawKeyDown" : "keyDown",
      ...(text === undefined ? {} : { text }),
    });
    await this.send("Input.dispatchKeyEvent", { ...common, type: "keyUp" });
  }

  /** Types a text where the focus is. */
  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** A picture of what is seen, as PNG. */
  async screenshot(): Promise<Uint8Array<ArrayBuffer>> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Uint8Array.fromBase64(data);
  }

  #note({ method, params }: DevToolsEvent): void {
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
    else if (method === "Runtime.exceptionThrown") {
      const { exception, text } = params.exceptionDetails;
      this.complaints.push(exception?.description ?? text);
    } else if (method === "Log.entryAdded" && params.entry.level !== "verbose") {
      this.complaints.push(`${params.entry.text} ${params.entry.url ?? ""}`);
    } else if (method === "Runtime.consoleAPICalled") {
      this.complaints.push(params.args.map((arg: Json) => arg.value ?? arg.description).join(" "));
    }
  }
}
