/**
 * The ladder's own style sheet. Every rule is bound to its class, for a picture within a page shares the
 * page's; `:where` lets a page set the colours on its own. Black on white it is told by strokes alone.
 */
export const LOOK = `
:where(.ladder) {
  --ladder-paper: #ffffff; --ladder-ink: #1b1f24; --ladder-dim: #57606a; --ladder-line: #a8b0b8;
  --ladder-control: #0a56b0; --ladder-data: #9a4200; --ladder-probe: #6b3fa0; --ladder-other: #3d6b35;
  --ladder-bad: #b3001b;
}
@media (prefers-color-scheme: dark) {
  :where(.ladder) {
    --ladder-paper: #12161c; --ladder-ink: #e6eaef; --ladder-dim: #9aa5b1; --ladder-line: #55606c;
    --ladder-control: #79b8ff; --ladder-data: #ffb077; --ladder-probe: #cda9ff; --ladder-other: #9bd48f;
    --ladder-bad: #ff8b94;
  }
}
@media print {
  :where(.ladder) {
    --ladder-paper: #ffffff; --ladder-ink: #000000; --ladder-dim: #333333; --ladder-line: #888888;
    --ladder-control: #000000; --ladder-data: #000000; --ladder-probe: #000000; --ladder-other: #000000;
    --ladder-bad: #000000;
  }
}
.ladder { max-width: 100%; height: auto; }
.ladder text { font-family: ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace;
  fill: var(--ladder-ink); direction: ltr; unicode-bidi: isolate; white-space: pre; }
.ladder .paper { fill: var(--ladder-paper); }
.ladder .lane { stroke: var(--ladder-line); stroke-width: 1; }
.ladder .wall { fill: var(--ladder-line); fill-opacity: 0.14; }
.ladder .head { font-weight: 600; }
.ladder .head.small, .ladder .ends, .ladder .time, .ladder .gap, .ladder .key { font-weight: 400; fill: var(--ladder-dim); }
.ladder .section { font-weight: 700; }
.ladder .outcome { font-weight: 600; }
.ladder .mark { font-style: italic; fill: var(--ladder-dim); }
.ladder .stop, .ladder .bad { fill: var(--ladder-bad); font-weight: 600; }
.ladder .tag { font-weight: 600; }
.ladder .changed { font-weight: 700; text-decoration: underline; }
.ladder .rule { stroke: var(--ladder-line); stroke-width: 1; }
.ladder .break { stroke: var(--ladder-dim); stroke-width: 1.5; stroke-dasharray: 1 4; fill: none; }
.ladder .cross { stroke: var(--ladder-bad); stroke-width: 2.5; fill: none; }
.ladder .cross.unsure { stroke-dasharray: 2 2; }
.ladder .arrow { stroke-width: 1.5; fill: none; }
.ladder .arrow.through { stroke-width: 1; stroke-dasharray: 1 3; }
.ladder .arrow.bulk { stroke-width: 5; stroke-dasharray: none; }
.ladder .control { stroke: var(--ladder-control); }
.ladder .data { stroke: var(--ladder-data); stroke-dasharray: 7 3; }
.ladder .probe { stroke: var(--ladder-probe); stroke-dasharray: 8 3 2 3; }
.ladder .other { stroke: var(--ladder-other); stroke-dasharray: 2 3; }
.ladder .unseen { stroke-dasharray: 1 5; }
.ladder .tip { stroke: none; stroke-dasharray: none; }
.ladder .tip.control { fill: var(--ladder-control); } .ladder .tip.data { fill: var(--ladder-data); }
.ladder .tip.probe { fill: var(--ladder-probe); } .ladder .tip.other { fill: var(--ladder-other); }
.ladder .tip.reset { fill: var(--ladder-paper); stroke: var(--ladder-bad); stroke-width: 1.5; }
.ladder .bar { stroke: none; fill-opacity: 0.45; }
.ladder .bar.control { fill: var(--ladder-control); } .ladder .bar.data { fill: var(--ladder-data); }
.ladder .bar.other, .ladder .bar.probe { fill: var(--ladder-other); }
.ladder .bar.expectation { fill: none; stroke-width: 1; stroke: var(--ladder-data); stroke-dasharray: 2 2; }
.ladder .bar.flowing { fill-opacity: 1; }
.ladder .bar-end { stroke: var(--ladder-ink); stroke-width: 2; }
`;
