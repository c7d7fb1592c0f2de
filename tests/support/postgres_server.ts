import { findFreePort } from "./ports.ts";
import { startGuard } from "./guard.ts";
import { progress } from "./progress.ts";
import { ServerProcess } from "./server_process.ts";

/** Names a database to test on, `postgres://…`; without it a server is started where one is installed. */
const URL_VARIABLE = "ROCKETMQ_TESTS_POSTGRES";

/** Set once somebody was told why there are no tests on PostgreSQL. */
const ANNOUNCED = "ROCKETMQ_TESTS_POSTGRES_ANNOUNCED";

/** The driver of the examples. */
const DRIVER = "npm:pg@^8.13.0";

/** Where Debian installs servers, one folder for each version. */
const DEBIAN = "/usr/lib/postgresql";

/** The account that Debian makes for it: the server does not run as root. */
const ACCOUNT = "postgres";

/** A database server of tests. */
export interface PostgresServer extends AsyncDisposable {
  /** Where to connect. */
  readonly url: string;
}

/** Reports whether tests on PostgreSQL can run here. If not, one line on stderr says why. */
export async function isPostgresAvailable(): Promise<boolean> {
  const reason = await whyNot();
  if (reason === undefined) return true;
  if (!Deno.env.get(ANNOUNCED)) {
    progress(
      `Tests on PostgreSQL do not run: ${reason} (${URL_VARIABLE}=postgres://… names a database)`,
    );
    Deno.env.set(ANNOUNCED, "1");
  }
  return false;
}

/** Starts a server in a folder of its own, or takes the one that the environment names. */
export async function startPostgres(): Promise<PostgresServer> {
  const named = Deno.env.get(URL_VARIABLE);
  if (named) return { url: named, async [Symbol.asyncDispose]() {} };
  const outer = await Deno.makeTempDir({ prefix: "rocketmq-deno-postgres-" });
  await startGuard(outer);
  const folder = `${outer}/server`;
  await Deno.mkdir(folder);
  const programs = (await findPrograms())!, port = findFreePort(), address = `127.0.0.1:${port}`;
  const prefix = await accountPrefix(outer);
  const data = `${folder}/data`, url = `postgres://test@${address}/postgres`;
  await run([...prefix, `${programs}/initdb`, "-D", data, "-U", "test", "-A", "trust", "-N"]);
  const settings = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-k", folder];
  const server = new ServerProcess({
    ...{ name: "postgres", address, folder, env: {} },
    command: [...prefix, `${programs}/postgres`, "-D", data, "-p", String(port), ...settings],
    isReady: async () => {
      const args = ["-h", "127.0.0.1", "-p", String(port)];
      const probe = new Deno.Command(`${programs}/pg_isready`, { args, stdout: "null" });
      return (await probe.output()).success;
    },
  });
  await server.start({ timeout: 60_000 });
  return {
    url,
    async [Symbol.asyncDispose]() {
      await server.stop({ timeout: 10_000 });
      await Deno.remove(outer, { recursive: true });
    },
  };
}

async function whyNot(): Promise<string | undefined> {
  if (!Deno.env.get(URL_VARIABLE) && !await findPrograms()) {
    return "no server is installed, as apt-get install postgresql does";
  }
  try {
    await import(DRIVER);
  } catch (error) {
    return `its driver ${DRIVER} can't be loaded: ${(error as Error).message.split("\n", 1)[0]}`;
  }
}

/** The folder of the newest server that is installed. */
async function findPrograms(): Promise<string | undefined> {
  try {
    const versions = await Array.fromAsync(Deno.readDir(DEBIAN), ({ name }) => Number(name));
    const newest = Math.max(...versions.filter((version) => version > 0));
    const folder = `${DEBIAN}/${newest}/bin`;
    await Deno.stat(`${folder}/initdb`);
    return folder;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What makes a command run as an account that is not root, and gives it the folder. */
async function accountPrefix(folder: string): Promise<string[]> {
  if (Deno.uid() !== 0) return [];
  await run(["chown", "-R", ACCOUNT, folder]);
  return ["setpriv", `--reuid=${ACCOUNT}`, `--regid=${ACCOUNT}`, "--clear-groups"];
}

async function run([program, ...args]: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program!, { args, stdout: "null" }).output();
  if (!success) throw new Error(`Cannot run ${program}: ${new TextDecoder().decode(stderr)}`);
}
