/** Colours, in light and dark, and text. */
export const COLORS_AND_TEXT = `:root {
  color-scheme: light dark;
  --ground: #f4f6f6;
  --surface: #ffffff;
  --sunken: #eef1f1;
  --ink: #182024;
  --muted: #526067;
  --line: #d9e0e1;
  --edge: #7d8b91;
  --accent: #0b6b6b;
  --accent-soft: #e2f0ef;
  --on-accent: #ffffff;
  --amber: #865400;
  --red: #a5302a;
  --shadow: 0 1px 2px rgb(24 32 36 / 6%), 0 6px 20px rgb(24 32 36 / 5%);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1416;
    --surface: #171e21;
    --sunken: #111719;
    --ink: #e4eaeb;
    --muted: #9dabb0;
    --line: #2a3438;
    --edge: #6a787d;
    --accent: #62cbc2;
    --accent-soft: #17302f;
    --on-accent: #0b1a19;
    --amber: #e3b35c;
    --red: #f29389;
    --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { background: var(--ground); color: var(--ink); font: 14px/1.45 var(--sans); }
body { margin: 0; }
h1, h2, h3, p, dl, dd, dt, ol, figure, pre, fieldset { margin: 0; padding: 0; }
h1 { font-size: 17px; font-weight: 650; letter-spacing: -.01em; line-height: 1.25; }
h2 { font-size: 15px; font-weight: 650; }
h3 { font-size: 13px; font-weight: 650; }
ol { list-style: none; }
fieldset { border: 0; min-width: 0; }
pre, kbd, .id, .number, time { font-variant-numeric: tabular-nums; }
pre, .id { font-family: var(--mono); font-size: 12.5px; }
kbd {
  border: 1px solid var(--line); border-radius: 4px; background: var(--surface);
  padding: 0 5px; font: 12px/1.4 var(--sans);
}
.muted { color: var(--muted); }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.sprite { position: absolute; width: 0; height: 0; }
.icon { width: 16px; height: 16px; flex: none; color: var(--muted); }
.on-mark { stroke: var(--surface); }
.is-visible { color: var(--accent); }
.is-open { color: var(--amber); }
.is-givenUp, .is-notSent { color: var(--red); }
[hidden] { display: none !important; }
a { color: inherit; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
h2:focus-visible, #transactions:focus-visible { outline-offset: 4px; }
button, input {
  font: inherit; color: inherit; background: var(--surface);
  border: 1px solid var(--edge); border-radius: 8px; padding: 5px 12px; min-height: 32px;
}
button { cursor: pointer; font-weight: 500; }
button:hover { border-color: var(--accent); }
button:active { background: var(--accent-soft); }
button[aria-pressed="true"] {
  background: var(--accent); border-color: var(--accent); color: var(--on-accent);
}
input::placeholder { color: var(--muted); opacity: 1; }
@media (prefers-reduced-motion: no-preference) {
  button, tbody tr, .column { transition: background-color .15s, border-color .15s; }
}
@media (forced-colors: active) {
  .lamp, .column { forced-color-adjust: none; }
}
`;
