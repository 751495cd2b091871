import type { ReportRun } from '../for-report';
import type { Style } from '../style';
import { TextLine, type Tone } from './canvas';
import { condense, isBothWays } from './condense';
import { plain, textOf } from './label';
import { cells, wrap } from './measure';
import { ladderOf } from './model';
import { BarColumns } from './text-bars';
import type { ArrowRow, Channel, Hop, Ladder, LaneName, Row } from './types';

/** Narrower than this a leg has no room for a PORT; wider, arrows are only longer. Columns. */
const NARROWEST = 74;
const WIDEST = 100;
const TIME_COLUMNS = 8;
/** Between the firewall's two lanes: three bars with their tags. */
const FIREWALL_COLUMNS = 11;
const EXTRA_COLUMNS = 9;
/** Rows before the rest is folded; an ordinary run has about twenty. */
const MOST_ROWS = 60;

interface Stage {
  readonly width: number;
  readonly style: Style;
  readonly at: (name: LaneName) => number;
  readonly names: readonly LaneName[];
  readonly inside: number;
}

/**
 * One run as a small ladder for a terminal, drawn from its result alone.
 *
 * @param options width in columns: used from 74 to 100
 * @returns lines, without indentation
 */
export function ladderText(run: ReportRun, options: { width: number; style: Style }): string[] {
  const ladder = ladderOf(run, MOST_ROWS);
  const stage = stageOf(ladder, options);
  const rows = condense(ladder.rows);
  const bars = new BarColumns(ladder.bars, stage.at('firewall inside') + 2, 3);
  const lines = [...heads(ladder, stage)];
  let lastTime = '';
  for (const row of rows) {
    const index = lastIndexOf(ladder.rows, row);
    const time = row.kind === 'arrow' || row.kind === 'mark' ? row.at.toFixed(3) : '';
    for (const [number, draw] of drawRow(row, stage).entries()) {
      const line = frame(stage);
      bars.draw(line, index, number === 0);
      if (number === 0 && time !== lastTime && time !== '')
        line.put(TIME_COLUMNS - 1 - time.length, time, 'dim');
      draw(line);
      lines.push(line.render(stage.style));
    }
    if (time !== '') lastTime = time;
  }
  if (ladder.timeNote !== null) lines.push(stage.style.dim(`${' '.repeat(TIME_COLUMNS)}${ladder.timeNote}`));
  return lines;
}

/** Where a row is among all rows: bars know those. A joined row is found by its time. */
function lastIndexOf(rows: readonly Row[], row: Row): number {
  const exact = rows.indexOf(row);
  return exact >= 0 ? exact : rows.findIndex((one) => one.kind === 'arrow' && one.at === row.at);
}

function stageOf({ lanes }: Ladder, { width, style }: { width: number; style: Style }): Stage {
  const columns = Math.max(NARROWEST, Math.min(WIDEST, Math.floor(width)));
  const names = lanes.map(({ name }) => name);
  const inside = names.indexOf('firewall inside');
  const left = TIME_COLUMNS;
  const right = columns - 1;
  const nearLeft = left + Math.max(0, inside - 1) * EXTRA_COLUMNS;
  const nearRight = right - Math.max(0, names.length - inside - 3) * EXTRA_COLUMNS;
  const leg = Math.floor((nearRight - nearLeft - FIREWALL_COLUMNS) / 2);
  const position = (index: number): number => {
    if (index < inside) return left + index * EXTRA_COLUMNS;
    if (index === inside) return nearLeft + leg;
    if (index === inside + 1) return nearRight - leg;
    return nearRight + (index - inside - 2) * EXTRA_COLUMNS;
  };
  return { width: columns, style, names, inside, at: (name) => position(names.indexOf(name)) };
}

/** Names and addresses over the lanes; where there is no room for the next one, it is left out. */
function heads({ lanes }: Ladder, { at, width, style, inside }: Stage): string[] {
  const short: Partial<Record<LaneName, string>> = {
    'firewall inside': 'firewall',
    'firewall outside': 'outside',
  };
  return [0, 1].map((row) => {
    const line = new TextLine(width);
    let taken = 0;
    for (const [index, lane] of lanes.entries()) {
      const text = row === 0 ? (short[lane.name] ?? lane.name) : lane.address;
      const fromLane = index < inside || index === inside + 1;
      const start = fromLane ? at(lane.name) : at(lane.name) - cells(text) + 1;
      if (start < taken) continue;
      line.put(start, text, row === 0 ? 'bold' : 'dim');
      taken = start + cells(text) + 1;
    }
    return line.render(style);
  });
}

/** An empty line with its lanes. */
function frame({ width, names, at }: Stage): TextLine {
  const line = new TextLine(width);
  for (const name of names) line.put(at(name), '│', 'dim');
  return line;
}

type Draw = (line: TextLine) => void;

function drawRow(row: Row, stage: Stage): Draw[] {
  const { at, inside, names } = stage;
  const [left, right] = [at(names[inside - 1] ?? 'firewall inside'), at('firewall outside')];
  switch (row.kind) {
    case 'arrow':
      return drawArrow(row, stage);
    case 'mark':
      return drawMark(row.text, row.lane, stage);
    case 'section':
      return [
        (line) => {
          line.put(left + 2, fit(row.name, at('firewall inside') - left - 3), 'bold');
          line.put(right + 2, fit(row.text, at(names[inside + 2] ?? 'firewall outside') - right - 3), 'bold');
        },
      ];
    case 'gap':
      return [(line) => line.put(0, `⋮ ${row.seconds.toFixed(1)} s`.padStart(TIME_COLUMNS - 1), 'dim')];
    case 'fold':
      return textLines(row.text, left, at('firewall inside')).map(
        ({ column, text }) =>
          (line) =>
            line.put(column, text, 'dim'),
      );
  }
}

function drawMark(text: string, lane: LaneName, stage: Stage): Draw[] {
  const { at, names, inside } = stage;
  const index = names.indexOf(lane);
  const [a, b] = index <= inside ? [inside - 1, inside] : [inside + 1, inside + 2];
  const [left, right] = [at(names[a] ?? lane), at(names[b] ?? lane)];
  return textLines(text, left, right).map(
    ({ column, text: part }) =>
      (line) =>
        line.put(column, part, 'red'),
  );
}

function textLines(text: string, left: number, right: number): { column: number; text: string }[] {
  return wrap(plain(text), right - left - 3, 3).map((pieces) => ({ column: left + 2, text: textOf(pieces) }));
}

const STROKES: Readonly<Record<Channel, string>> = { control: '─', data: '╌', probe: '┄', other: '·' };

function drawArrow(row: ArrowRow, stage: Stage): Draw[] {
  const [first] = row.hops;
  const compared = first?.label.some(({ changed }) => changed) ? becameLines(row, stage) : [];
  const arrow: Draw = (line) => {
    for (const hop of row.hops) drawHop(line, hop, row, stage);
    if (row.stop) line.put(stage.at(row.stop.lane), row.stop.certain ? '✘' : '?', 'red');
  };
  const stopped = stopLines(row, stage);
  const [beside, ...below] = stopped;
  const both: Draw = (line) => {
    arrow(line);
    if (row.hops.length === 1) beside?.(line);
  };
  return [both, ...(row.hops.length === 1 ? below : stopped), ...addressLines(row, stage), ...compared];
}

function drawHop(line: TextLine, hop: Hop, row: ArrowRow, { at }: Stage): void {
  const [from, to] = [at(hop.from), at(hop.to)];
  const [left, right] = [Math.min(from, to) + 1, Math.max(from, to) - 1];
  const room = right - left + 1;
  const stroke = row.bytes === null ? STROKES[row.channel] : '═';
  const lost = row.role === 'unseen' && row.hops.length === 1;
  const rightward = to > from;
  const bothWays = isBothWays(row);
  const stopped = row.stop !== null && row.hops.length === 1;
  const tip = row.reset ? ['◁', '▷'] : ['◀', '▶'];
  line.put(left, (lost ? '·' : stroke).repeat(Math.max(0, room)));
  if (!lost && !stopped && (rightward || bothWays)) line.put(right, tip[1] ?? '');
  if (!lost && !stopped && (!rightward || bothWays)) line.put(left, tip[0] ?? '');
  const text = labelOf(hop, row);
  if (text !== '') {
    const label = ` ${fit(text, room - 4)} `;
    line.put(
      left + Math.max(1, Math.floor((room - cells(label)) / 2)),
      label,
      row.reset ? 'red' : toneOf(row),
    );
  }
}

/** What was rewritten is told in full below its arrow. */
function labelOf(hop: Hop, row: ArrowRow): string {
  const text = textOf(hop.label);
  if (!hop.label.some(({ changed }) => changed) || row.hops.length < 2) return text;
  const verb = /^\S+/.exec(text)?.[0] ?? '';
  return hop === row.hops[0] ? verb : `${verb}, rewritten`;
}

function toneOf(row: ArrowRow): Tone {
  if (row.stop) return 'red';
  return row.role === 'arrangement' ? 'bold' : 'plain';
}

/** The reason stands beyond the firewall, where nothing arrived; or below, where something did. */
function stopLines(row: ArrowRow, { at, names, inside }: Stage): Draw[] {
  if (!row.stop) return [];
  const beyond = row.stop.lane === 'firewall inside' ? [inside + 1, inside + 2] : [inside - 1, inside];
  const [left = 0, right = 0] = beyond.map((index) => at(names[index] ?? 'firewall inside'));
  return textLines(row.stop.why, left, right).map(
    ({ column, text }) =>
      (line) =>
        line.put(column, text, 'red'),
  );
}

/** Addresses under the arrows, where translation made them differ. */
function addressLines(row: ArrowRow, { at }: Stage): Draw[] {
  const [near, far] = row.hops;
  if (row.role !== 'open' || !near?.ends || !far?.ends) return [];
  return [
    (line) => {
      for (const { ends, from, to } of [near, far]) {
        if (!ends) continue;
        const [left, right] = [Math.min(at(from), at(to)), Math.max(at(from), at(to))];
        const [a, b] = at(from) < at(to) ? [ends.source, ends.destination] : [ends.destination, ends.source];
        const room = right - left - 1;
        const both = a.length + b.length + 1 <= room;
        // With room for one, the one that translation changed.
        const sourceChanged = near.ends?.source !== far.ends?.source;
        const isLeft = both || sourceChanged === (a === ends.source);
        if (isLeft) line.put(left + 1, fit(a, room), 'dim');
        if (both || !isLeft) line.put(right - cells(b), fit(b, room), 'dim');
      }
    },
  ];
}

/**
 * A line before and after the firewall, one under the other, with marks under what changed; over all
 * lanes where a leg is too narrow.
 */
function becameLines(row: ArrowRow, { at, names, inside, width }: Stage): Draw[] {
  const [before, after] = row.hops.map(({ label }) => label);
  if (!before || !after) return [];
  const left = at(names[inside - 1] ?? 'firewall inside') + 2;
  const room = width - left - 1;
  const marks = after.map(({ text, changed }) => (changed ? '^' : ' ').repeat(cells(text))).join('');
  const word = (text: string, line: TextLine): TextLine =>
    line.put(TIME_COLUMNS - 1 - text.length, text, 'dim');
  return [
    (line) => word('was', line).put(left, fit(textOf(before), room), 'dim'),
    (line) => word('became', line).put(left, fit(textOf(after), room), 'yellow'),
    (line) => {
      for (const found of marks.matchAll(/\^+/g)) line.put(left + found.index, found[0], 'yellow');
    },
  ];
}

function fit(text: string, room: number): string {
  return textOf(wrap(plain(text), Math.max(1, room), 1)[0] ?? []);
}
