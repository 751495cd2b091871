import { cut } from './escape';
import type { ReportRun } from './for-report';
import { causes, summaryLine } from './table';
import { scaleText } from './time-scale';

/**
 * A CI job's summary has at most 1 MiB (GitHub, "workflow commands", job summaries); a report that is
 * larger is not shown at all.
 */
const MAX_BYTES = 1_000_000;
/** A dialogue beyond this is for the evidence folder. */
const MAX_DIALOGUE = 60;
const MAX_RULES = 60;
const MAX_TEXT = 600;

const SIGNS = {
  pass: '✅ pass',
  fail: '❌ fail',
  'infra-error': '⚠️ lab failed',
  skipped: '⏭️ skipped',
} as const;

/**
 * Runs in GitHub-flavoured Markdown: a table of all, and of each that failed what did not hold, why, and
 * what to change, with its details folded. What peers sent is text and nothing else.
 */
export function markdownReport(runs: readonly ReportRun[]): string {
  const head = [`### FTP firewall lab: ${summaryLine(runs)}`, '', ...table(runs)].join('\n');
  const parts = [head];
  let size = Buffer.byteLength(head);
  let left = 0;
  for (const run of runs.filter(({ outcome }) => outcome === 'fail' || outcome === 'infra-error')) {
    const brief = describeRun(run);
    const whole = [...brief, '', ...details(run)].join('\n');
    const fitting = [whole, brief.join('\n')].find((text) => size + Buffer.byteLength(text) < MAX_BYTES);
    if (fitting === undefined) left += 1;
    else parts.push(fitting);
    size += Buffer.byteLength(fitting ?? '') + 2;
  }
  if (left > 0) parts.push(`_${left} more runs did not pass; the JSON document has them all._`);
  return `${parts.join('\n\n')}\n`;
}

function table(runs: readonly ReportRun[]): string[] {
  if (runs.length === 0) return [];
  const rows = runs.map((run) => {
    const held = run.expectations.filter((expectation) => expectation.held).length;
    const why = run.outcome === 'pass' ? causes(run) : (run.reason ?? '');
    const cells = [
      SIGNS[run.outcome],
      text(run.scenario),
      `${held}/${run.expectations.length}`,
      `${run.durationSeconds.toFixed(2)} s${run.timeScale === 1 ? '' : ` (×${run.timeScale})`}`,
      text(why, 200),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return ['| outcome | scenario | held | time | why |', '| --- | --- | ---: | ---: | --- |', ...rows];
}

/** What did not hold, why, and what to change. */
function describeRun(run: ReportRun): string[] {
  const lines = [`#### ${SIGNS[run.outcome]}: ${text(run.scenario)}`, '', `Claim: ${text(run.claim)}`, ''];
  if (run.outcome === 'infra-error') {
    return [...lines, `The lab failed, which says nothing about FTP: ${text(run.reason ?? '')}`];
  }
  for (const { text: sentence, why } of run.expectations.filter(({ held }) => !held)) {
    lines.push(`- **Expected:** ${text(sentence)}; **seen:** ${text(why)}`);
  }
  for (const cause of run.diagnosis) {
    lines.push(
      `- **Cause** (${text(cause.transfer)}, ${text(cause.code)}): ${text(cause.text)}`,
      `  - **Remedy:** ${text(cause.remedy)}`,
    );
  }
  if (run.artifacts.directory !== null) lines.push(`- **Evidence:** ${text(run.artifacts.directory)}`);
  return lines;
}

/** Rules with their counters, the dialogue as the client saw it, and where all of that ran. */
function details(run: ReportRun): string[] {
  const dialogue = run.events
    .filter((event) => event.kind === 'ftp-line')
    .filter(({ vantage }) => vantage === 'client')
    .map(({ at, direction, line }) => `${at.toFixed(3)} s  ${direction === 'command' ? '>' : '<'} ${line}`);
  const rules = run.rules.map(
    ({ row, text: rule, packets, unmatchable }) =>
      `${String(row).padStart(6)}  ${rule}  (${unmatchable ? `matches no packet here: ${unmatchable}` : `${packets} packets`})`,
  );
  return [
    ...folded('Rules and what they counted', rules, MAX_RULES),
    ...folded('Dialogue, as the client saw it', dialogue, MAX_DIALOGUE),
    `<sub>${text(run.engine)}, Linux ${text(run.kernel)}${run.timeScale === 1 ? '' : `; time: ${text(scaleText(run))}`}</sub>`,
  ];
}

/** Lines as they are, behind a fold. Each begins with a number or a word of the lab's, so that none ends the fence. */
function folded(title: string, lines: readonly string[], limit: number): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, limit).map((line) => cut(line));
  const rest = lines.length - shown.length;
  const all = rest === 0 ? shown : [...shown, `… and ${rest} more`];
  return [`<details><summary>${title}</summary>`, '', '```text', ...all, '```', '', '</details>', ''];
}

/**
 * Text that Markdown takes for nothing but text (CommonMark 0.31 §2.4, GFM §4.10 and §6.9): no markup, no
 * HTML, no table cell, no link, and no mention of a person.
 */
function text(value: string, limit = MAX_TEXT): string {
  return (
    cut(value, limit)
      .replace(/[\\`*_[\]#|~$]/g, '\\$&')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      // Of these GitHub makes links and mentions by itself, unless they come in two pieces.
      .replace(/\/(?=\/)|@|www(?=\.)/gi, '$&<!-- -->')
  );
}
