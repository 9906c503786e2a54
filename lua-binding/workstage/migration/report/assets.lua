--- The style sheet and the script of every report.
local assets = {}

--- The first lines of a report, by which the tool knows one.
assets.start = "<!doctype html>\n<!-- A report of workstage -->\n"

assets.style = [[
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #16191f; --soft: #545c69;
  --line: #d9dde3; --accent: #1d4ed8; --good: #17693a; --bad: #b42318;
  --warn: #8a5300; --stripe: #f2f4f7;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue",
    "Noto Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
    monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101318; --card: #191d24; --ink: #e8eaee; --soft: #a5adba;
    --line: #2f3641; --accent: #8fb4ff; --good: #6fd39a; --bad: #ff9a8f;
    --warn: #f0bd6b; --stripe: #1f242d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 var(--sans); overflow-wrap: anywhere;
}
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
header { margin-bottom: 1.5rem; }
.kind { color: var(--soft); font-size: .875rem; font-weight: 600;
  letter-spacing: .06em; text-transform: uppercase; margin: 0; }
h1 { font-size: 1.875rem; line-height: 1.2; margin: .25rem 0 .5rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: 0 0 .75rem; }
.lead { font-size: 1.125rem; }
.soft { color: var(--soft); }
section > :last-child, section > .detail:last-child { margin-bottom: 0; }
section > ul:not(.plain) { margin: 0 0 .75rem; padding-left: 1.25rem; }
section { background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; padding: 1.25rem; margin: 0 0 1rem; }
dl.facts { display: grid; gap: .25rem 1.5rem; margin: 0;
  grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); }
dl.facts > div { padding: .25rem 0; }
dt { color: var(--soft); font-size: .875rem; }
dd { margin: 0; }
.numbers { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0 0 1rem; }
.numbers > div { flex: 1 0 7rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; padding: .75rem 1rem; }
.numbers dd { font-size: 1.375rem; font-weight: 650; line-height: 1.3;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.badge { display: inline-block; border-radius: 1rem; padding: 0 .75rem;
  border: 1px solid currentColor; font-weight: 600; font-size: .875rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
.warn { color: var(--warn); }
.stage { display: inline-block; max-width: 100%; border-radius: .375rem;
  padding: .05rem .5rem; font-weight: 600; overflow-wrap: anywhere;
  box-shadow: inset 0 0 0 1px rgb(128 128 128 / .5); }
ul.plain { list-style: none; margin: 0; padding: 0; }
ul.plain > li { padding: .5rem 0; border-top: 1px solid var(--line); }
ul.plain > li:first-child { border-top: 0; padding-top: 0; }
ul.plain > li:last-child { padding-bottom: 0; }
.detail { padding-left: 6.75rem; }
.sign { display: inline-block; min-width: 6.5rem; font-weight: 600;
  font-size: .875rem; }
.was { color: var(--soft); }
.picture { background: #ffffff; border-radius: .5rem; padding: .5rem;
  overflow-x: auto; }
.picture svg { max-width: 100%; height: auto; display: block; margin: auto; }
.scroll { overflow-x: auto; position: relative; }
.scroll:focus-visible, button:focus-visible, input:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem;
  overflow-wrap: break-word; }
td:last-child, .stage, bdi { overflow-wrap: anywhere; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); }
.about { color: var(--soft); font-size: .875rem; margin: 0 0 .5rem; }
th, td { text-align: left; vertical-align: top; padding: .375rem .75rem;
  border-top: 1px solid var(--line); font-weight: 400; min-width: 6.5rem; }
td:last-child:not(.number) { min-width: 9rem; }
thead th { white-space: nowrap; border-top: 0; font-weight: 600;
  vertical-align: bottom; }
tbody tr:nth-child(even) { background: var(--stripe); }
th.number, td.number { text-align: right; min-width: 3.5rem;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.matrix th, .matrix td { min-width: 6rem; text-align: center; }
.matrix + .matrix { margin-top: 1.25rem; }
.matrix thead th { white-space: normal; max-width: 9rem; }
.matrix tbody th, .matrix thead th:first-child { text-align: left;
  min-width: 9rem; }
.matrix .good, .matrix .bad { font-weight: 700; font-size: 1.125rem;
  line-height: 1.2; }
code, pre { font-family: var(--mono); font-size: .875em; }
pre { background: var(--stripe); border: 1px solid var(--line);
  border-radius: .5rem; padding: .75rem; margin: 0 0 .75rem;
  white-space: pre-wrap; }
.chart { margin: 0 0 1rem; display: grid; gap: 0 .5rem;
  grid-template-columns: auto 1fr; font-size: .875rem; color: var(--soft);
  font-variant-numeric: tabular-nums; }
.chart figcaption { grid-column: 1 / -1; margin-bottom: .5rem; }
.chart .most { grid-column: 1; grid-row: 2; line-height: 1; }
.chart svg { grid-column: 2; grid-row: 2; width: 100%; height: 8rem;
  border-top: 1px dotted var(--line); }
.chart rect { fill: var(--accent); }
.chart .retry { fill: var(--bad); }
.chart .axis { grid-column: 2; display: flex; margin-top: .25rem;
  justify-content: space-between; }
.key { margin-left: 1rem; white-space: nowrap; }
.swatch { display: inline-block; width: .625rem; height: .375rem;
  background: var(--bad); vertical-align: middle; }
code.line { display: inline-block; min-width: 14rem; }
th:has(> .stage), td:has(> .stage) { min-width: 7.5rem; }
.when { white-space: nowrap; }
.id { color: var(--soft); font-size: .8125rem; white-space: nowrap; }
th button { all: unset; cursor: pointer; border-radius: .25rem; }
th[aria-sort="ascending"] button::after { content: " \2191"; }
th[aria-sort="descending"] button::after { content: " \2193"; }
label.filter { display: block; margin: 0 0 .75rem; font-size: .875rem;
  color: var(--soft); }
label.filter input { display: block; width: 100%; max-width: 24rem;
  margin-top: .25rem; padding: .5rem .75rem; font: inherit;
  color: var(--ink); background: var(--page);
  border: 1px solid var(--soft); border-radius: .5rem; }
footer { color: var(--soft); font-size: .875rem; }
@media (min-width: 48rem) { main { padding-top: 3rem; } }
@media (max-width: 40rem) {
  section { padding: 1rem; }
  .detail { padding-left: 0; }
  table { font-size: .875rem; }
  th, td { padding: .375rem; min-width: 5.5rem; }
  td:last-child:not(.number) { min-width: 8rem; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none; } }
@page { margin: 1.5cm; }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #333;
    --line: #999; --stripe: #fff; --accent: #000; --good: #000;
    --bad: #000; --warn: #000; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0;
    padding: .75rem 0; margin: 0; }
  h2, .about { break-after: avoid; }
  tr, li, pre, .picture, .chart, .numbers { break-inside: avoid; }
  .picture { padding: 0; }
  .picture svg { max-height: 9cm; }
  .stage { border: 1px solid #000; print-color-adjust: exact; }
  .chart rect { print-color-adjust: exact; }
  .scroll, .picture { overflow: visible; }
  table { font-size: 9pt; overflow-wrap: anywhere; }
  th, td, code.line { min-width: 0 !important; }
  thead th { white-space: normal; }
  label.filter { display: none; }
}
]]

-- Sorts and filters the tables that ask for it. Without it they are all
-- there, in the order of the journal.
assets.script = [[
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const text = (row, i) => row.cells[i].textContent.trim();
  const compare = (a, b) =>
    a.localeCompare(b, undefined, { numeric: true, sensitivity: "base" });
  [...table.tHead.rows[0].cells].forEach((head, i, heads) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) =>
        compare(text(a, i), text(b, i)) * (down ? -1 : 1));
      body.append(...rows);
    });
  });
  const label = document.createElement("label");
  label.className = "filter";
  label.textContent = "Show only rows that contain";
  const input = document.createElement("input");
  input.type = "search";
  label.append(input);
  table.closest(".scroll").before(label);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of body.rows)
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
]]

return assets
