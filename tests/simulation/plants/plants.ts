import { CONNECTION_PLANTS } from "./connection_plants.ts";
import { FEATURE_PLANTS } from "./feature_plants.ts";
import { OUTCOME_PLANTS } from "./outcome_plants.ts";
import type { Plant } from "./plant.ts";
import { REVIEW_PLANTS } from "./review_plants.ts";
import { VERDICT_PLANTS } from "./verdict_plants.ts";

export { applyPlant, type Plant } from "./plant.ts";

/** All faults that can be planted. */
export const PLANTS: readonly Plant[] = [
  ...VERDICT_PLANTS,
  ...OUTCOME_PLANTS,
  ...CONNECTION_PLANTS,
  ...FEATURE_PLANTS,
  ...REVIEW_PLANTS,
];
