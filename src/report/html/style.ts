/** Colours by what they mean; every pair of text and ground has a contrast of 4.5 or more (WCAG 2.2, AA). */
const LIGHT = `
  --ground: #ffffff; --soft: #f5f6f8; --line: #d3d9e0; --text: #1b1f24; --dim: #57606a; --link: #0b57b0;
  --good: #0f5f2c; --good-ground: #e3f4e8; --bad: #a3101f; --bad-ground: #fde8e8;
  --warn: #744a00; --warn-ground: #fff1cf; --plain: #414a54; --plain-ground: #e9ecf0;
  --mark: #4a3400; --mark-ground: #ffdf7e; --focus: #0b57b0;`;
const DARK = `
  --ground: #14181c; --soft: #1c2227; --line: #3a434c; --text: #e7eaed; --dim: #a7b1bb; --link: #8fbfff;
  --good: #7ddb98; --good-ground: #15321f; --bad: #ffa0a3; --bad-ground: #421c20;
  --warn: #f3ca73; --warn-ground: #3b2f11; --plain: #c5ccd4; --plain-ground: #2b333b;
  --mark: #ffeeb8; --mark-ground: #664d00; --focus: #8fbfff;`;

const PAGE = `
:root { color-scheme: light dark; ${LIGHT} }
@media screen and (prefers-color-scheme: dark) { :root { ${DARK} } }
*, *::before, *::after { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; padding: 0 1rem 3rem; max-width: 78rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; overflow-wrap: anywhere; }
code, pre, .number, .when { font-family: ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace; font-size: .875em; }
code { unicode-bidi: isolate; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { margin: .1rem 0 .5rem; font-size: 1.7rem; }
h2 { margin: 0 0 .6rem; font-size: 1.2rem; }
h3 { margin: 0 0 .3rem; font-size: 1rem; }
p { margin: .4rem 0; }
a { color: var(--link); text-underline-offset: .15em; }
section { padding: 1.5rem 0 .4rem; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
span.unseen, caption.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: .5rem; padding: .4rem .8rem; background: var(--ground); border: 1px solid var(--line); z-index: 1; }
.dim, .note, .why, figcaption, footer, .when, .where { color: var(--dim); }
.note, figcaption, footer { font-size: .9rem; }
footer { margin-top: 2rem; border-top: 1px solid var(--line); padding-top: .5rem; }
[hidden] { display: none !important; }`;

const HEAD = `
header.head { padding-top: 1.5rem; }
.scenario { margin: 0; color: var(--dim); font-family: ui-monospace, Menlo, 'DejaVu Sans Mono', monospace; font-size: .9rem; }
.claim { font-size: 1.1rem; max-width: 46rem; text-wrap: pretty; }
p.outcome { margin: .9rem 0; font-size: 1.05rem; }
p.outcome > .badge { font-size: 1.05rem; padding: .15rem .7rem; margin-right: .4rem; }
.total { margin-right: 1.2rem; }
.badge { display: inline-block; padding: 0 .5rem; border-radius: .3rem; font-weight: 600; font-size: .85rem; overflow-wrap: normal; }
.badge.good { color: var(--good); background: var(--good-ground); }
.badge.bad { color: var(--bad); background: var(--bad-ground); }
.badge.warn { color: var(--warn); background: var(--warn-ground); }
.badge.plain { color: var(--plain); background: var(--plain-ground); }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2rem; margin: 1rem 0; padding: .8rem 1rem; background: var(--soft); border-radius: .4rem; }
.facts dt { color: var(--dim); font-size: .8rem; }
.facts dd { margin: 0; font-size: .95rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 0; padding: .6rem 0; list-style: none;
  border-block: 1px solid var(--line); font-size: .95rem; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }`;

const PARTS = `
.checks { margin: 0; padding: 0; list-style: none; display: grid; gap: .6rem; }
.checks li { display: grid; grid-template-columns: 1.4rem 1fr; }
.checks strong { font-weight: 600; display: block; }
.why { font-size: .9rem; }
.sign { font-weight: 700; }
.sign.good { color: var(--good); } .sign.bad { color: var(--bad); } .sign.warn { color: var(--warn); }
.refs { font-size: .8rem; }
.refs a { margin-right: .45rem; }
.cause { margin: 0 0 1rem; padding: .9rem 1.1rem; background: var(--soft); border-left: 4px solid var(--bad); border-radius: 0 .4rem .4rem 0; }
.evidence { margin: .6rem 0; padding: 0; list-style: none; font-size: .9rem; }
.evidence li { display: grid; grid-template-columns: 5rem 8.5rem 1fr auto; gap: 0 .8rem; padding: .2rem 0; border-top: 1px solid var(--line); }
.faq { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 0 2rem; padding: .8rem 0; border-top: 1px solid var(--line); }
.faq blockquote { margin: 0; padding-left: .8rem; border-left: 3px solid var(--line); }
.topology { margin: 0; }
.hosts { display: flex; align-items: stretch; max-width: 60rem; }
.side { display: flex; flex-direction: column; justify-content: center; gap: .8rem; }
.host { display: flex; flex-direction: column; justify-content: center; padding: .6rem 1rem; border: 1.5px solid var(--dim); border-radius: .4rem; background: var(--soft); font-size: .9rem; }
.hosts > .host { flex: 0 1 21rem; text-align: center; }
.legs { display: flex; justify-content: space-between; gap: 1.5rem; margin-top: .4rem; }
.wire { flex: 1 1 5rem; min-width: 4rem; display: flex; flex-direction: column; justify-content: center; text-align: center; font-size: .85rem; color: var(--dim); }
.wire::after { content: ''; border-top: 2px solid var(--dim); margin-bottom: 1.3rem; }
figcaption { margin-top: .6rem; }
.drawing { width: max-content; min-width: 100%; }
.drawing > svg { display: block; max-width: none; --ladder-paper: var(--ground); }`;

const TABLES = `
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; padding: .5rem 0; font-weight: 600; }
th, td { text-align: left; vertical-align: baseline; padding: .35rem .8rem .35rem .4rem; border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
td code, td.free { overflow-wrap: anywhere; }
thead th { color: var(--dim); font-weight: 600; font-size: .82rem; white-space: nowrap; }
tbody th { font-weight: 500; }
td.free { min-width: 9rem; }
.number { text-align: right; white-space: nowrap; }
thead .number { font-family: inherit; font-size: .82rem; }
tr.decided { background: var(--warn-ground); }
tr.decided th { font-weight: 700; box-shadow: inset 4px 0 0 var(--warn); }
tr.decided .badge { outline: 1px solid currentColor; }
tr.silent { color: var(--dim); }
tr.here { background: var(--mark-ground); color: var(--mark); }
tr.here code { color: inherit; }
details { margin: .3rem 0; }
summary { cursor: pointer; padding: .25rem .2rem; }
pre { margin: 0; padding: .8rem; background: var(--soft); border-radius: .4rem; max-height: 30rem; overflow: visible; white-space: pre-wrap; }
.kind { display: block; color: var(--dim); font-size: .8rem; }
#timeline td:not(:last-child), #timeline th { white-space: nowrap; }
#timeline td:last-child { width: 75%; }
#rules th { white-space: nowrap; }
#rules td:nth-child(3) { width: 80%; }
.effect { margin-left: .6rem; }
.effect .badge + .badge { margin-left: .4rem; }
.exposure { min-width: 34rem; }
.exposure td:nth-child(2) { white-space: nowrap; }
#dialogue table { table-layout: fixed; }
#dialogue th:first-child { width: 4.5rem; }
.said a { color: inherit; text-decoration: none; display: block; }
.said a:hover code { text-decoration: underline; }
.said mark { padding: 0 .1em; border-radius: .15em; }
mark { background: var(--mark-ground); color: var(--mark); font-weight: 700; }
.said.changed { background: var(--soft); }
.fate { display: block; font-size: .8rem; color: var(--warn); font-weight: 600; }
td.late { color: var(--dim); font-size: .85rem; }
.absent { color: var(--bad); background: var(--bad-ground); font-weight: 600; }
.runs { min-width: 44rem; }
.runs th { min-width: 13rem; }
.runs thead th, .runs td { min-width: 0; }
.runs td:nth-child(4) { min-width: 11rem; }
.runs .title, .runs .why { display: block; font-weight: 400; }
.runs th a { font-weight: 600; }
.verdicts { margin: 0; padding: 0; list-style: none; display: grid; gap: .15rem; }`;

const FORMS = `
.filters { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; align-items: baseline; margin: .6rem 0; padding: .7rem 1rem; background: var(--soft); border-radius: .4rem; font-size: .9rem; }
.filters fieldset { flex: 1 1 100%; margin: 0; padding: 0; border: 0; min-width: 0; }
.filters legend { float: left; width: 5rem; padding: 0; color: var(--dim); }
.boxes { display: flow-root; }
.filters fieldset label { display: inline-block; margin-right: 1rem; white-space: nowrap; }
.filters input, .filters select, .filters button { font: inherit; accent-color: var(--link); }
.filters input[type=search], .filters select { padding: .2rem .4rem; max-width: 100%; border: 1px solid var(--dim); border-radius: .25rem; background: var(--ground); color: var(--text); }
.filters button { padding: .2rem .8rem; border: 1px solid var(--dim); border-radius: .25rem; background: var(--ground); color: var(--text); cursor: pointer; }
.filters output { font-weight: 600; padding: .2rem 0; }`;

const NARROW = `
@media (max-width: 46rem) {
  h1 { font-size: 1.35rem; }
  .hosts { flex-direction: column; align-items: stretch; }
  .hosts > .host { flex: none; }
  .side { flex-direction: column; }
  .host { text-align: center; }
  .wire { flex: none; max-width: none; height: 3rem; position: relative; }
  .wire::before { content: ''; position: absolute; left: 50%; top: 0; bottom: 0; border-left: 2px solid var(--dim); }
  .wire::after { content: none; }
  .wire span { position: relative; margin-left: 5.5rem; }
  .evidence li { grid-template-columns: auto 1fr auto; }
  .evidence code { grid-column: 1 / -1; grid-row: 2; }
  .faq { grid-template-columns: minmax(0, 1fr); gap: .6rem; }
  .filters legend { float: none; width: auto; }
  #dialogue th:first-child { width: 4.1rem; }
  #dialogue th, #dialogue td, #timeline th, #timeline td { padding-right: .4rem; font-size: .8rem; }
  #timeline td:nth-child(3) { white-space: normal; min-width: 5rem; }
}`;

const PRINT = `
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .skip, nav, .filters, form { display: none !important; }
  .scroll { overflow: visible; }
  table { min-width: 0 !important; }
  th, td { white-space: normal !important; }
  h2, h3, summary, caption { break-after: avoid; }
  tr, li, figure, .cause, .faq { break-inside: avoid; }
  thead { display: table-header-group; }
  a { color: inherit; text-decoration: none; }
  .badge, mark, .facts, .cause, tr.decided, .absent { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .drawing { width: 100%; }
  .drawing > svg { max-width: 100%; height: auto; }
}`;

/**
 * The style of every page. Drawings in a page share it: names that they use, too, are bound to elements of
 * HTML here. No file, font or picture besides it; light, dark, phone and print.
 */
export const STYLE = [PAGE, HEAD, PARTS, TABLES, FORMS, NARROW, PRINT].join('\n');
