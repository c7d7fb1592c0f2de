/** Where things are. */
export const LAYOUT = `body {
  max-width: 1560px; margin: 0 auto; padding: 14px 24px 0;
  display: flex; flex-direction: column; min-height: 100vh;
}
main { display: flex; flex-direction: column; flex: 1; min-height: 0; }
.skip {
  position: absolute; left: 24px; top: -60px; z-index: 2; padding: 8px 14px; border-radius: 8px;
  background: var(--accent); color: var(--on-accent);
}
.skip:focus { top: 12px; }
.top { display: flex; align-items: center; gap: 12px; margin-bottom: 14px; }
.top > .link { margin-left: auto; }
.mark { display: block; }
#source { font-size: 13px; }
.link { display: flex; align-items: center; gap: 8px; font-size: 13px; margin-right: 4px; }
.lamp { width: 9px; height: 9px; border-radius: 50%; border: 2px solid var(--muted); }
.link[data-state="live"] .lamp { background: var(--accent); border-color: var(--accent); }
.link[data-state="lost"] .lamp { border-color: var(--red); border-radius: 1px; }
.notice {
  border: 1px solid var(--red); border-radius: 10px; background: var(--surface);
  padding: 10px 14px; margin-bottom: 16px;
}
.overview, .panel {
  background: var(--surface); border: 1px solid var(--line); border-radius: 12px;
  box-shadow: var(--shadow);
}
.overview {
  display: flex; flex-wrap: wrap; gap: 8px 32px; align-items: center;
  padding: 10px 20px 6px; margin-bottom: 14px; min-height: 119px;
}
.counters { display: flex; flex-wrap: wrap; flex: 1; gap: 8px 36px; align-items: center; }
.counters div { display: flex; flex-direction: column; }
.counters dt { display: flex; align-items: center; gap: 6px; color: var(--muted); font-size: 13px; }
.counters dd {
  font-size: 27px; font-weight: 600; line-height: 1.25; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums;
}
.latency { width: 440px; max-width: 100%; }
.latency figcaption { display: flex; justify-content: space-between; gap: 12px; font-size: 12.5px; }
.chart { display: block; width: 100%; height: auto; overflow: visible; }
.chart .axis { stroke: var(--line); }
.chart .column { fill: var(--accent); }
.chart text { font: 10.5px var(--sans); fill: var(--muted); font-variant-numeric: tabular-nums; }
.panes { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; flex: 1; min-height: 0; }
.panel { display: flex; flex-direction: column; min-height: 0; }
.panes.has-detail { grid-template-columns: minmax(0, 1fr) 430px; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; padding: 12px 16px; }
.find { display: flex; flex-wrap: wrap; gap: 8px 12px; margin-left: auto; }
#query { width: 210px; }
.states { display: flex; border: 1px solid var(--edge); border-radius: 8px; overflow: clip; }
.states input { position: absolute; opacity: 0; pointer-events: none; }
.states label {
  padding: 5px 10px; font-size: 13px; line-height: 20px; cursor: pointer;
  border-left: 1px solid var(--line);
}
.states label:first-of-type { border-left: 0; }
.states label:hover { background: var(--sunken); }
.states input:checked + label {
  background: var(--accent-soft); box-shadow: inset 0 -2px var(--accent); font-weight: 600;
}
.states:focus-within:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
.look-up { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 0 16px 12px; }
.look-up input { flex: 1; max-width: 360px; font-family: var(--mono); font-size: 12.5px; }
.scroll { overflow: auto; flex: 1; min-height: 0; }
table { width: 100%; border-collapse: collapse; }
thead th {
  position: sticky; top: 0; z-index: 1; background: var(--sunken); color: var(--muted);
  font-size: 12px; font-weight: 550; text-align: left; padding: 6px 12px; white-space: nowrap;
}
thead th:first-child, tbody td:first-child { padding-left: 16px; }
thead th:last-child, tbody td:last-child { padding-right: 16px; }
tbody tr { cursor: pointer; border-top: 1px solid var(--line); }
tbody tr:first-child { border-top: 0; }
tbody tr:hover { background: var(--sunken); }
tbody tr.selected { background: var(--accent-soft); box-shadow: inset 3px 0 var(--accent); }
tbody td, tbody th { padding: 4px 12px; vertical-align: middle; }
tbody th { text-align: left; font-weight: 400; width: 100%; max-width: 0; }
tbody a { text-decoration: none; }
tbody tr:hover a { text-decoration: underline; text-underline-offset: 3px; }
tbody .id, .about { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.about { color: var(--muted); font-size: 12.5px; white-space: pre; }
td.state, th .state { white-space: nowrap; }
.state .icon { vertical-align: -3px; margin-right: 8px; }
thead th.number, td.number { text-align: right; white-space: nowrap; }
td.number { font-size: 13px; }
.foot { font-size: 12.5px; padding: 8px 16px; }
.panel > .foot { border-top: 1px solid var(--line); }
footer.foot { padding: 8px 2px; }
.empty { padding: 40px 16px 48px; display: grid; gap: 10px; justify-items: center; text-align: center; }
.empty p { max-width: 52ch; }
.empty pre {
  text-align: left; background: var(--sunken); border: 1px solid var(--line); border-radius: 8px;
  padding: 12px 16px; max-width: 100%; overflow: auto;
}
.detail { display: block; padding: 12px 18px 14px; overflow: auto; }
.detail-top { display: flex; align-items: start; gap: 12px; justify-content: space-between; }
.detail h2 { padding-top: 5px; overflow-wrap: anywhere; }
.detail h2 .id { font-size: 13px; }
.detail > .state { margin: 2px 0 8px; font-weight: 600; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 14px; font-size: 13px; }
.detail > .facts { grid-template-columns: repeat(2, max-content minmax(0, 1fr)); }
.facts dt { color: var(--muted); }
.facts dd { overflow-wrap: anywhere; }
.detail h3 { margin: 10px 0 8px; padding-top: 10px; border-top: 1px solid var(--line); }
.step {
  display: grid; grid-template-columns: 62px 16px minmax(0, 1fr) auto; gap: 0 10px;
  position: relative; padding-bottom: 7px; font-size: 13px; line-height: 1.38;
}
.step:not(:last-child)::before {
  content: ""; position: absolute; left: 79.5px; top: 19px; bottom: -1px; width: 1px;
  background: var(--line);
}
.step time { color: var(--muted); text-align: right; white-space: nowrap; font-size: 12.5px; }
.step .icon { margin-top: 1px; color: var(--muted); }
.step.is-good .icon { color: var(--accent); }
.step.is-warn .icon { color: var(--red); }
.what { font-weight: 550; overflow-wrap: anywhere; }
.more { color: var(--muted); font-size: 12.5px; overflow-wrap: anywhere; }
.origin { color: var(--muted); font-size: 12px; }
.left-out { padding: 0 0 9px 88px; color: var(--muted); font-size: 12.5px; }
.message pre {
  margin: 8px 0; padding: 10px 12px; max-height: 180px; overflow: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; background: var(--sunken); border-radius: 8px;
}
.message summary { cursor: pointer; font-size: 13px; padding: 2px 0; }
@media (max-width: 1000px) {
  .panes.has-detail { grid-template-columns: minmax(0, 1fr); }
  .panes.has-detail .detail { grid-row: 1; }
  .find { margin-left: 0; }
}
@media (min-width: 1001px) and (min-height: 640px) {
  body { height: 100vh; }
}
@media (max-width: 560px) {
  body { padding: 12px; }
  .top { flex-wrap: wrap; }
  .latency { width: 100%; }
}
`;
