import type { PacketEvent } from '../observe/event';
import { sizeText } from '../scenario/quantities';
import { rangesText } from '../agent/port-ranges';
import type { ProbeResult, TransferResult } from '../verdict/run-result';
import { cut } from './escape';
import { saidLine, type Printable, type ReportRun } from './for-report';
import { ladderText } from './ladder';
import type { Style } from './style';
import { bothTimes, scaleText } from './time-scale';
import { timeStrip } from './time-strip';
import { drawTopology } from './topology';
import { traceGap } from './trace-gap';

/** Columns, beside the report's indentation. */
const LADDER_WIDTH = 92;
/** More rules than this fill a screen. */
const MANY_RULES = 40;
const MAX_RULE_WIDTH = 100;

/** One run as text, drawn from its result alone. */
export function terminalReport(run: ReportRun, style: Style): string {
  const lines = [
    `${style.bold(run.scenario)} — ${run.title}`,
    `  ${cut(run.claim)}`,
    '',
    ...drawTopology(run.topology).map((line) => `  ${style.dim(line)}`),
    '',
    ...section('Done', describeSteps(run)),
    ...section('Ladder', ladderLines(run, style)),
    ...section(run.timeScale === 1 ? 'Timers' : 'Timers, in the scenario’s time', timeStrip(run, style)),
    ...section(
      'Expected',
      run.expectations.flatMap((expectation) => mark(expectation, style)),
    ),
    ...section('Rules', describeRules(run)),
    ...section(
      'FAQ',
      run.claims.flatMap(({ id, text, verdict, why }) => [
        `${id} ${verdictWord(verdict, style)}: “${cut(text)}”`,
        style.dim(`    ${cut(why, 400)}`),
      ]),
    ),
    ...section(
      run.outcome === 'pass' ? 'Why it was blocked' : 'Cause',
      run.diagnosis.flatMap((cause) => describeCause(run, cause, style)),
    ),
    ...incompleteRecords(run),
    ...(run.artifacts.directory === null ? [] : [`  Evidence: ${cut(run.artifacts.directory, 1000)}`, '']),
    ...(run.timeScale === 1 ? [] : [`  Time: ${cut(scaleText(run), 600)}`]),
    ...(run.engineWhy === null ? [] : [style.dim(`  Engine: ${run.engine}, ${run.engineWhy}`)]),
    outcomeLine(run, style),
  ];
  return `${lines.join('\n')}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`  ${title}`, ...lines.map((line) => `    ${line}`), ''];
}

/** Who sent what, and where it ended; of a run that never began, nothing. */
function ladderLines(run: ReportRun, style: Style): string[] {
  return run.outcome === 'skipped' ? [] : ladderText(run, { width: LADDER_WIDTH, style });
}

/** What was done; of a run that never began, nothing. */
function describeSteps(run: ReportRun): string[] {
  if (run.outcome === 'skipped') return [];
  return [
    ...run.transfers.flatMap((transfer) => describeTransfer(run, transfer)),
    ...run.probes.flatMap(describeProbe),
  ];
}

function describeTransfer(run: ReportRun, transfer: TransferResult): string[] {
  const amount = `${sizeText(transfer.bytes)} of ${transfer.expectedBytes === null ? 'unknown' : sizeText(transfer.expectedBytes)}`;
  const reply = transfer.finalReply === null ? 'no final reply' : `reply ${transfer.finalReply}`;
  const data = transfer.data
    ? `${transfer.data.dialledBy} dialled ${transfer.data.sourcePort} → ${transfer.data.destinationPort}${transfer.data.reached ? '' : ', never arrived'}`
    : 'no data connection';
  const rest = transfer.error === null ? [] : [`  client: ${transfer.error}`];
  return [
    `${transfer.mode} ${transfer.direction} (${transfer.command}): ${amount}, ${reply}, ${data}, ${bothTimes(transfer.seconds, run.timeScale)}`,
    ...portLines(run, transfer),
    ...rest,
  ];
}

function describeProbe({ name, from, to, flags, exposure }: ProbeResult): string[] {
  return [
    cut(`${name}: ${flags} from the ${from} to the ${to}`),
    ...exposure.map(({ sourcePort, sent, arrived }) => {
      const all = arrived.length === sent.length && rangesText(arrived) === rangesText(sent);
      const where = arrived.length === 0 ? 'nowhere' : all ? 'everywhere' : `at ${rangesText(arrived)}`;
      return `  from port ${String(sourcePort).padEnd(5)} arrives ${where}`;
    }),
  ];
}

/** PORT on both legs: the heart of most questions about active mode. */
function portLines(run: ReportRun, transfer: TransferResult): string[] {
  if (transfer.mode !== 'active') return [];
  const step = run.events.filter((event) => event.kind === 'step' && event.transfer === transfer.name);
  const begin = step[0]?.at ?? Number.POSITIVE_INFINITY;
  const end = step.at(-1)?.at ?? 0;
  const ports = run.events.filter(
    (event): event is Printable<PacketEvent> =>
      event.kind === 'packet' &&
      event.at >= begin &&
      event.at <= end &&
      /^(?:PORT|EPRT) /.test(event.payload),
  );
  return (['inside', 'outside'] as const).flatMap((leg) => {
    const packet = ports.find((candidate) => candidate.leg === leg);
    return packet ? [`  ${leg.padEnd(7)}  ${cut(saidLine(packet.payload.trimEnd()))}`] : [];
  });
}

function mark(expectation: ReportRun['expectations'][number], style: Style): string[] {
  const sign = expectation.held ? style.green('✔') : style.red('✘');
  return [`${sign} ${cut(expectation.text)} ${style.dim(`— ${cut(expectation.why)}`)}`];
}

/** All rules with their counters; of a great many, those that counted. */
function describeRules(run: ReportRun): string[] {
  const few = run.rules.length <= MANY_RULES;
  const shown = run.rules.filter(({ row, packets }) => few || packets > 0 || row === 'policy');
  const width = Math.min(MAX_RULE_WIDTH, Math.max(0, ...shown.map(({ text }) => text.length)));
  const digits = Math.max(2, String(run.rules.length).length);
  const lines = shown.map(
    ({ row, text, packets }) =>
      `${(row === 'policy' ? '' : String(row)).padStart(digits)}  ${cut(text).padEnd(width)}  ${packets} packets`,
  );
  const silent = run.rules.length - shown.length;
  const unmatchable = run.rules.flatMap(({ row, unmatchable: why }) =>
    why ? [`row ${row} matches no packet here: ${why}`] : [],
  );
  return [...lines, ...(silent === 0 ? [] : [`and ${silent} rows that counted nothing`]), ...unmatchable];
}

function describeCause(run: ReportRun, cause: ReportRun['diagnosis'][number], style: Style): string[] {
  const seen = cause.events.flatMap((id) => run.events.find((event) => event.id === id) ?? []);
  return [
    cut(cause.text, 600),
    ...seen.map((event) =>
      style.dim(`  ${event.at.toFixed(3)} s  ${event.vantage.padEnd(16)}  ${cut(event.text, 160)}`),
    ),
    `${style.bold('Remedy:')} ${cut(cause.remedy, 600)}`,
  ];
}

function incompleteRecords(run: ReportRun): string[] {
  const gap = traceGap(run);
  return [
    ...run.captures
      .filter(({ lost }) => lost > 0)
      .map(
        ({ leg, lost }) =>
          `  The ${leg} capture lost ${lost} packets: what it does not show may still have been there.\n`,
      ),
    ...(gap === null ? [] : [`  ${cut(gap, 600)}\n`]),
  ];
}

function outcomeLine(run: ReportRun, style: Style): string {
  const words = {
    pass: style.green('PASS'),
    fail: style.red('FAIL'),
    'infra-error': style.yellow('THE LAB FAILED'),
    skipped: style.yellow('SKIPPED'),
  };
  const held = run.expectations.filter((expectation) => expectation.held).length;
  const what =
    run.outcome === 'infra-error' || run.outcome === 'skipped'
      ? `${cut(run.reason ?? '', 600)} — this says nothing about FTP`
      : `${held} of ${run.expectations.length} expectations held`;
  return `  ${words[run.outcome]}  ${what}  ${style.dim(`(${run.engine}, Linux ${run.kernel}, ${run.durationSeconds.toFixed(2)} s${run.timeScale === 1 ? '' : `, time ×${run.timeScale}`})`)}`;
}

function verdictWord(verdict: string, style: Style): string {
  if (verdict === 'upheld') return style.green(verdict);
  return verdict === 'refuted' ? style.red(verdict) : style.yellow(verdict);
}
