import { unpackTarball } from "../support/unpack_tarball.ts";

const ROOT = new URL("../../", import.meta.url);

/** What the package imports at run time that is not its own. */
const LOG = "jsr:@std/log@^0.224.14";

/** What a program has said, and how it ended. */
export interface Result {
  /** Its exit code. */
  code: number;
  /** What it wrote to stdout. */
  stdout: string;
  /** What it wrote to stderr. */
  stderr: string;
}

/** A project with this package installed as `deno pack` makes it, gone with this object. */
export class PackedPackage implements AsyncDisposable {
  /** The folder of the project. */
  readonly folder: string;
  /** The folder that the package is installed in. */
  readonly installed: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.installed = `${folder}/node_modules/@rocketmq-deno/client`;
  }

  /** Packs the package and installs it, with the packages that it depends on if they are wanted. */
  static async install({ withDependencies = false } = {}): Promise<PackedPackage> {
    const project = new PackedPackage(await Deno.makeTempDir({ prefix: "rocketmq-package-" }));
    const tarball = `${project.folder}/package.tgz`;
    await Deno.mkdir(project.installed, { recursive: true });
    await project.write("package.json", `{ "type": "module" }`);
    const pack = [Deno.execPath(), "pack", "--quiet", "--allow-dirty", "-o", tarball] as const;
    const { code, stderr } = await project.run([...pack], ROOT.pathname);
    if (code !== 0) throw new Error(`${pack.join(" ")} failed: ${stderr}`);
    await unpackTarball(tarball, project.installed);
    if (withDependencies) await project.#installLog();
    return project;
  }

  /** Puts `@std/log` where npm puts it, from JSR or, where that does not answer, its stand-in. */
  async #installLog(): Promise<void> {
    const folder = `${this.folder}/node_modules/@jsr/std__log`, entry = `${this.folder}/log.ts`;
    await Deno.mkdir(folder, { recursive: true });
    // One module for both, since they share the loggers.
    const parts = ["get-logger", "setup"];
    await Deno.writeTextFile(
      entry,
      parts.map((part) => `export * from "${LOG}/${part}";\n`).join(""),
    );
    const out = `${folder}/log.js`;
    const bundle = ["bundle", "--quiet", "--platform=deno", "-o", out, entry] as const;
    const { code, stderr } = await this.run([Deno.execPath(), ...bundle], ROOT.pathname);
    if (code !== 0) throw new Error(`deno ${bundle.join(" ")} failed: ${stderr}`);
    const exports = Object.fromEntries(parts.map((part) => [`./${part}`, "./log.js"]));
    await Deno.writeTextFile(
      `${folder}/package.json`,
      JSON.stringify({ name: "@jsr/std__log", version: "0.224.14", type: "module", exports }),
    );
  }

  /** Writes a file of the project. */
  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/${name}`, text);
  }

  /** Runs a program in the project. */
  async run([program, ...args]: [string, ...string[]], cwd: string = this.folder): Promise<Result> {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args,
      cwd,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.folder, { recursive: true });
  }
}
