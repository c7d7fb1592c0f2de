import { print, tell, withProgress } from "../../support/progress.ts";

await withProgress("The first step", () => Promise.resolve());
tell("The second step");
print("The result");
