/**
 * The page, as text: a package from a registry has no files that it could read.
 *
 * @module
 */
import { APP_SCRIPT } from "./app_script.ts";
import { CHARTS_SCRIPT } from "./charts_script.ts";
import { CONNECTION_SCRIPT } from "./connection_script.ts";
import { DETAIL_SCRIPT } from "./detail_script.ts";
import { FORMAT_SCRIPT } from "./format_script.ts";
import { ICON } from "./icon.ts";
import { LIST_SCRIPT } from "./list_script.ts";
import { PAGE } from "./page.ts";
import { STORE_SCRIPT } from "./store_script.ts";
import { COLORS_AND_TEXT } from "./styles_base.ts";
import { LAYOUT } from "./styles_layout.ts";

/** A file that the page is made of. */
export interface Asset {
  /** What it says. */
  readonly text: string;
  /** Its media type. */
  readonly type: string;
}

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** The files of the page by their paths. */
export const ASSETS: ReadonlyMap<string, Asset> = new Map<string, Asset>([
  ["/", { text: PAGE, type: HTML }],
  ["/icon.svg", { text: ICON, type: "image/svg+xml" }],
  ["/styles.css", { text: COLORS_AND_TEXT + LAYOUT, type: CSS }],
  ["/app.js", { text: APP_SCRIPT, type: SCRIPT }],
  ["/charts.js", { text: CHARTS_SCRIPT, type: SCRIPT }],
  ["/connection.js", { text: CONNECTION_SCRIPT, type: SCRIPT }],
  ["/detail.js", { text: DETAIL_SCRIPT, type: SCRIPT }],
  ["/format.js", { text: FORMAT_SCRIPT, type: SCRIPT }],
  ["/list.js", { text: LIST_SCRIPT, type: SCRIPT }],
  ["/store.js", { text: STORE_SCRIPT, type: SCRIPT }],
]);
