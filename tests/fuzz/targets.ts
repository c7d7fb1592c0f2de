import type { Target } from "./target.ts";
import { checksTarget } from "./targets/checks.ts";
import { commandsTarget } from "./targets/commands.ts";
import { framesTarget } from "./targets/frames.ts";
import { headersTarget } from "./targets/headers.ts";
import { propertiesTarget } from "./targets/properties.ts";
import { routesTarget } from "./targets/routes.ts";

/** Everything that is fuzzed. */
export function allTargets(): Target[] {
  return [
    framesTarget(),
    headersTarget(),
    commandsTarget(),
    checksTarget(),
    propertiesTarget(),
    routesTarget(),
  ];
}
