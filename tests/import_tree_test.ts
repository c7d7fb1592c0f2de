import { assert, assertEquals } from "@std/assert";
import { readImportTree } from "./bench/import_tree.ts";

Deno.test("imports - mod.ts loads this package and little of @std, and no built-in module", async () => {
  const tree = await readImportTree();
  const others = [...tree.keys()].filter((origin) => origin !== "this package");
  assert(tree.get("this package")!.modules > 100);
  assertEquals(others.filter((origin) => !/^@std\/(?:bytes|fmt|log|streams)$/.test(origin)), []);
  const modules = others.reduce((sum, origin) => sum + tree.get(origin)!.modules, 0);
  assert(modules < 20, `${modules} modules of @std`);
});
