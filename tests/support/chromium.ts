import { type DevTools, openDevTools } from "./dev_tools.ts";

/** Variables of the environment that steer the tests in a browser. */
export const BROWSER_ENV = {
  /** Path of a Chromium or Chrome. */
  path: "CHROMIUM",
  /** `1`: tests fail where they would otherwise not run for want of a browser. */
  required: "ROCKETMQ_TESTS_REQUIRE_BROWSER",
  /** Set within a process: it has been said that tests do not run. */
  announced: "ROCKETMQ_TEST_BROWSER_ANNOUNCED",
} as const;

const NAMES = ["chromium", "chromium-browser", "google-chrome"] as const;

/** Nothing of a browser but what shows the page: it talks to nobody else. */
const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-extensions",
  "--hide-scrollbars",
  "--remote-debugging-port=0",
] as const;

/** Milliseconds that a browser may take to start. */
const START_TIMEOUT = 30_000;

/** The path of a browser: the one that `CHROMIUM` names, or the first on the `PATH`. */
export async function findChromium(): Promise<string | undefined> {
  const named = Deno.env.get(BROWSER_ENV.path);
  if (named) return named;
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  for (const name of NAMES) {
    for (const folder of folders) {
      const path = `${folder}/${name}`;
      if (await Deno.stat(path).then((info) => info.isFile, () => false)) return path;
    }
  }
}

/** A headless Chromium with an empty profile, which is removed with it. */
export class Chromium implements AsyncDisposable {
  /** Its protocol for tools. */
  readonly devTools: DevTools;
  readonly #process: Deno.ChildProcess;
  readonly #profile: string;

  private constructor(process: Deno.ChildProcess, profile: string, devTools: DevTools) {
    this.#process = process;
    this.#profile = profile;
    this.devTools = devTools;
  }

  /** Starts one. Rejects when there is none, or it does not come up. */
  static async start(): Promise<Chromium> {
    const path = await findChromium();
    if (path === undefined) throw new Error(`Cannot start a browser: ${NO_BROWSER}`);
    const profile = await Deno.makeTempDir({ prefix: "rocketmq-deno-chromium-" });
    const process = new Deno.Command(path, {
      args: [...ARGS, `--user-data-dir=${profile}`, "about:blank"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      return new Chromium(process, profile, await openDevTools(await address(profile, process)));
    } catch (error) {
      await end(process, profile);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.devTools[Symbol.asyncDispose]();
    await end(this.#process, this.#profile);
  }
}

/** What is missing where no browser is found. */
export const NO_BROWSER = `no ${NAMES.join(", ")} on the PATH (${BROWSER_ENV.path}=FILE names one)`;

/** Where the protocol is spoken: the browser writes it into its profile. */
async function address(profile: string, process: Deno.ChildProcess): Promise<string> {
  const deadline = performance.now() + START_TIMEOUT;
  let ended: number | undefined;
  process.status.then(({ code }) => ended = code);
  while (performance.now() < deadline) {
    if (ended !== undefined) throw new Error(`The browser ended with exit code ${ended}`);
    const text = await Deno.readTextFile(`${profile}/DevToolsActivePort`).catch(() => "");
    const [port, path] = text.split("\n");
    if (port && path) return `ws://127.0.0.1:${port}${path}`;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The browser did not come up within ${START_TIMEOUT} ms`);
}

async function end(process: Deno.ChildProcess, profile: string): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
  await process.status;
  // Its own children may write for a moment longer.
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      return await Deno.remove(profile, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
