import { type DocBlock, ROOT } from "./doc_block.ts";

/**
 * How an example runs, decided by what it holds:
 *
 * - `test`: it calls `Deno.test` and is run by `deno test`.
 * - `program`: it has a function `main`, which is called in a process of its own. One that serves
 *   gets Ctrl+C once it has told its address.
 * - `function`: it is a function with parameters, which the tests call.
 * - `statements`: it does something by itself when it is imported.
 */
export type RunKind = "test" | "program" | "function" | "statements";

/** An example as a module that can be imported. */
export interface RunnableBlock {
  /** How it runs. */
  kind: RunKind;
  /** Name of its function, for the kinds with one. */
  functionName?: string;
  /** The source of the module. */
  source: string;
}

/** An address of a name server, as the examples write it. */
const ADDRESS = /(?:127\.0\.0\.1|[\w.]+\.example(?:\.com)?):9876/g;

const FUNCTION = /^(?:export )?(?:async )?function (\w+)\(/m;

/**
 * Makes a module of an example, unchanged but for this: imports of the package come from its
 * sources, addresses of name servers are that of the broker, and producers and recoveries wait for
 * a third of a second at their end.
 */
export async function makeRunnable(block: DocBlock, nameServer: string): Promise<RunnableBlock> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const exports: Record<string, string> = config.exports;
  const code = block.code
    .replaceAll(/"(@rocketmq-deno\/client)(\/\w+)?"/g, (_match, _name, path = "") => {
      const target = exports[`.${path}`];
      if (!target) throw new Error(`${block.file}:${block.line} imports what is not exported`);
      return JSON.stringify(new URL(target, ROOT).href);
    })
    .replaceAll(ADDRESS, nameServer)
    .replaceAll(/\bproducerGroup: "/g, "shutdownTimeout: 300, $&")
    .replaceAll("recoverTransactions({", "$& idleTimeout: 300,");
  if (/^Deno\.test\(/m.test(code)) return { kind: "test", source: code };
  const functionName = FUNCTION.exec(code)?.[1];
  if (functionName === "main") {
    return { kind: "program", functionName, source: `${code}\nawait main();\n` };
  }
  // What an example prints is for its readers.
  const source = `const console = { log() {}, error() {} };\n${code}`;
  if (functionName === undefined) return { kind: "statements", source };
  return { kind: "function", functionName, source: `${source}\nexport { ${functionName} };\n` };
}
