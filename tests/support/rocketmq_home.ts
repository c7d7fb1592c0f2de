import { MavenDownload } from "./maven_download.ts";
import { isWatched, tell, withProgress } from "./progress.ts";

/** The release that the tests run against unless `ROCKETMQ_TEST_VERSION` names another. */
export const DEFAULT_VERSION = "5.5.0";

/** Pinned, as the version that a bare `dependency:` stands for depends on the Maven at hand. */
const CLASSPATH_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath";

/** A server whose jars are needed, beside those of the name server. */
export type ServerKind = "broker" | "proxy";

/** What it takes to start RocketMQ's Java processes. */
export interface Installation {
  /** RocketMQ release, for instance `5.5.0`. */
  version: string;
  /** Path of the `java` executable. */
  java: string;
  /** Major version of that Java, for instance 17. */
  javaMajor: number;
  /** Class path with the name server and the broker, or the proxy. */
  classpath: string;
}

/**
 * Finds Java and the jars of a RocketMQ release, which Maven fetches into its local repository the
 * first time. Rejects with the reason if that is not possible on this machine.
 */
export async function findInstallation(
  version: string = defaultVersion(),
  kind: ServerKind = "broker",
): Promise<Installation> {
  if (Deno.build.os === "windows") {
    throw new Error("Cannot start RocketMQ: its launcher needs a POSIX shell");
  }
  const java = await findExecutable("java", "JAVA_HOME");
  if (java === undefined) {
    throw new Error("Cannot start RocketMQ: no `java` in JAVA_HOME or on the PATH");
  }
  const javaMajor = await javaMajorVersion(java);
  return { version, java, javaMajor, classpath: await resolveClasspath(version, kind) };
}

function defaultVersion(): string {
  return Deno.env.get("ROCKETMQ_TEST_VERSION") || DEFAULT_VERSION;
}

async function findExecutable(name: string, homeVariable: string): Promise<string | undefined> {
  const home = Deno.env.get(homeVariable);
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  if (home) folders.unshift(`${home}/bin`);
  for (const folder of folders) {
    if (await isFile(`${folder}/${name}`)) return `${folder}/${name}`;
  }
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

async function javaMajorVersion(java: string): Promise<number> {
  const { success, stderr } = await new Deno.Command(java, { args: ["-version"], stdin: "null" })
    .output();
  const text = new TextDecoder().decode(stderr);
  const match = /version "(?:1\.)?(\d+)/.exec(text);
  if (!success || match === null) {
    throw new Error(`Cannot start RocketMQ: \`${java} -version\` says ${JSON.stringify(text)}`);
  }
  return Number(match[1]);
}

/** The class path is kept in a private folder below the temporary one, and checked before use. */
async function resolveClasspath(version: string, kind: ServerKind): Promise<string> {
  if (!/^\d+\.\d+\.\d+[\w.-]*$/.test(version)) {
    throw new Error(`Cannot start RocketMQ ${version}: that is not a release number like 5.5.0`);
  }
  const suffix = kind === "broker" ? "" : `-${kind}`;
  const file = `${await cacheFolder()}/classpath-${version}${suffix}`;
  const known = await readClasspath(file);
  if (known !== undefined) return known;
  return await withFileLock(`${file}.lock`, async () => {
    const resolvedMeanwhile = await readClasspath(file);
    if (resolvedMeanwhile !== undefined) return resolvedMeanwhile;
    await runMaven(version, kind, file);
    const classpath = await readClasspath(file);
    if (classpath === undefined) {
      throw new Error(`Cannot start RocketMQ ${version}: Maven left jars out of ${file}`);
    }
    return classpath;
  });
}

async function readClasspath(file: string): Promise<string | undefined> {
  const classpath = (await Deno.readTextFile(file).catch(() => "")).trim();
  if (classpath === "") return undefined;
  const present = await Promise.all(classpath.split(":").map(isFile));
  return present.every(Boolean) ? classpath : undefined;
}

async function runMaven(version: string, kind: ServerKind, file: string): Promise<void> {
  const maven = await findExecutable("mvn", "MAVEN_HOME");
  if (maven === undefined) {
    throw new Error("Cannot fetch RocketMQ: no `mvn` in MAVEN_HOME or on the PATH");
  }
  const download = new MavenDownload();
  const success = await withProgress(
    `RocketMQ ${version}: Maven looks for the jars (94 MB when none is here yet)`,
    () =>
      download.run(maven, [
        "--batch-mode",
        ...(isWatched() ? [] : ["--no-transfer-progress"]),
        "--file",
        `${import.meta.dirname}/pom.xml`,
        `-Drocketmq.version=${version}`,
        `-Drocketmq.server=rocketmq-${kind}`,
        `-Dmdep.outputFile=${file}.new`,
        CLASSPATH_GOAL,
      ]),
    () => download.describe(),
  );
  if (!success) {
    const errors = download.errors.slice(0, 2).join(" ").slice(0, 500);
    throw new Error(`Cannot fetch RocketMQ ${version}: ${errors || "Maven failed without a word"}`);
  }
  await Deno.rename(`${file}.new`, file);
}

/** A folder of this user alone: what it holds decides which code is run. */
export async function cacheFolder(): Promise<string> {
  const temporary = (Deno.env.get("TMPDIR") || "/tmp").replace(/\/+$/, "");
  const folder = `${temporary}/rocketmq-deno-${Deno.uid()}`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const info = await Deno.lstat(folder);
  if (!info.isDirectory || info.uid !== Deno.uid() || ((info.mode ?? 0) & 0o022) !== 0) {
    throw new Error(`Cannot use ${folder}: others may write to it`);
  }
  return folder;
}

/** Runs `work` while no other process or worker on this machine holds the lock on `path`. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  using file = await Deno.open(path, { create: true, write: true });
  if (!file.tryLockSync(true)) {
    tell("Waiting for another process that does the same …");
    await file.lock(true);
  }
  return await work();
}
