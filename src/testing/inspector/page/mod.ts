/**
 * The page. Its files lie beside this one; `files.json` repeats them, because JSR takes no package
 * that imports text, and a package from a registry has no files that it could read without
 * permission. `deno task page` writes it anew.
 *
 * @module
 */
import FILES from "./files.json" with { type: "json" };

/** A file that the page is made of. */
export interface Asset {
  /** What it says. */
  readonly text: string;
  /** Its media type. */
  readonly type: string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** The files of the page by their paths. */
export const ASSETS: ReadonlyMap<string, Asset> = new Map(
  Object.entries<string>(FILES).map(([name, text]) => [
    name === "index.html" ? "/" : `/${name}`,
    { text, type: TYPES[name.split(".").pop()!]! },
  ]),
);
