import { plain } from './label';
import { cellsWithin, widthOf, wrap } from './measure';
import {
  FONT,
  LINE,
  MARGIN,
  MOST_LINES,
  SMALL,
  SMALL_LINE,
  TIME_WIDTH,
  WIDTH,
  type RowPlace,
  type TextBox,
} from './places';
import type { ArrowRow, Hop, Lane, LaneName, MarkRow, Piece, Row } from './types';

/** The lanes a row is drawn across. */
export interface Stage {
  readonly lanes: readonly { readonly lane: Lane; readonly x: number }[];
  readonly x: (name: LaneName) => number;
}

/** Places a row below what is above it. */
export function placeRow(row: Row, top: number, stage: Stage, time: string): RowPlace {
  if (row.kind === 'arrow') return placeArrow(row, top, stage, time);
  if (row.kind === 'mark') return placeMark(row, top, stage, time);
  if (row.kind === 'gap') {
    const y = top + 17;
    const text = `${row.seconds.toFixed(row.seconds < 10 ? 2 : 1)} s`;
    const box: TextBox = {
      pieces: plain(text),
      x: TIME_WIDTH - 4,
      y,
      anchor: 'end',
      size: SMALL,
      look: 'gap',
    };
    return { row, top, bottom: top + 26, y, hops: [], cross: null, texts: [box] };
  }
  const sides =
    row.kind === 'fold'
      ? ([['inside', row.text, 'gap']] as const)
      : ([
          ['inside', row.name, 'section'],
          ['outside', row.text, 'outcome'],
        ] as const);
  const boxes = sides.flatMap(([leg, text, look]) => {
    const room = legRoom(leg, stage);
    return wrap(plain(text), cellsWithin(room.right - room.left, FONT), MOST_LINES).map(
      (pieces, index): TextBox => ({
        pieces,
        ...{ x: room.left, y: top + 22 + index * LINE, anchor: 'start', size: FONT, look },
      }),
    );
  });
  const bottom = Math.max(top + 30, ...boxes.map((box) => box.y + 6));
  return { row, top, bottom, y: top + 18, hops: [], cross: null, texts: boxes };
}

/** The room between the firewall and the nearest host of a leg. */
function legRoom(leg: Hop['leg'], { lanes, x }: Stage): { left: number; right: number } {
  const inside = lanes.findIndex(({ lane }) => lane.name === 'firewall inside');
  const [a, b] =
    leg === 'inside'
      ? [lanes[inside - 1]?.x ?? TIME_WIDTH, x('firewall inside')]
      : [x('firewall outside'), lanes[inside + 2]?.x ?? WIDTH];
  return { left: a + MARGIN, right: b - MARGIN };
}

function placeArrow(row: ArrowRow, top: number, stage: Stage, time: string): RowPlace {
  const labels = row.hops.map((hop) => {
    const room = legRoom(hop.leg, stage);
    return { hop, room, lines: wrap(hop.label, cellsWithin(room.right - room.left, FONT), MOST_LINES) };
  });
  const above = Math.max(1, ...labels.map(({ lines }) => lines.length));
  const y = top + above * LINE + 9;
  const ends = row.hops.map((hop) => placeEnds(hop, y, legRoom(hop.leg, stage), stage));
  const below = Math.max(0, ...ends.map(({ height }) => height));
  const stop = row.stop ? placeStop(row, y, top, stage) : { texts: [], bottom: top };
  const bottom = Math.max(y + below + (row.bytes === null ? 5 : 8), stop.bottom + 4);
  const texts: TextBox[] = labels.flatMap(({ lines, room }) =>
    lines.map((pieces, index) => ({
      pieces,
      ...({ x: (room.left + room.right) / 2, anchor: 'middle', size: FONT, look: 'label' } as const),
      // The last line of a label is next to its arrow.
      y: y - 6 - (lines.length - 1 - index) * LINE - (row.bytes === null ? 0 : 2),
    })),
  );
  return {
    ...{ row, top, bottom, y },
    hops: row.hops.map((hop) => ({ hop, fromX: stage.x(hop.from), toX: stage.x(hop.to) })),
    cross: row.stop ? { x: stage.x(row.stop.lane), certain: row.stop.certain } : null,
    texts: [...timeBox(time, y + 3.5), ...texts, ...ends.flatMap((end) => end.texts), ...stop.texts],
  };
}

function timeBox(time: string, y: number): TextBox[] {
  return time === ''
    ? []
    : [{ pieces: plain(time), x: TIME_WIDTH - 4, y, anchor: 'end', size: SMALL, look: 'time' }];
}

/** Addresses under the two ends of an arrow; one under the other where they do not fit side by side. */
function placeEnds(
  hop: Hop,
  y: number,
  room: { left: number; right: number },
  stage: Stage,
): { texts: TextBox[]; height: number } {
  if (!hop.ends) return { texts: [], height: 0 };
  const leftward = stage.x(hop.from) > stage.x(hop.to);
  const width = room.right - room.left;
  const fit = cellsWithin(width, SMALL);
  const cut = (text: string): readonly Piece[] => wrap(plain(text), fit, 1)[0] ?? [];
  const [left, right] = leftward
    ? [hop.ends.destination, hop.ends.source]
    : [hop.ends.source, hop.ends.destination];
  const sideBySide = widthOf(left, SMALL) + widthOf(right, SMALL) + 10 <= width;
  const first = y + 14;
  const second = sideBySide ? first : first + SMALL_LINE;
  return {
    texts: [
      { pieces: cut(left), x: room.left, y: first, anchor: 'start', size: SMALL, look: 'ends' },
      { pieces: cut(right), x: room.right, y: second, anchor: 'end', size: SMALL, look: 'ends' },
    ],
    height: (sideBySide ? 1 : 2) * SMALL_LINE + 4,
  };
}

/** Beyond the firewall nothing arrives: there the reason stands, beside the cross; or under what did arrive. */
function placeStop(
  row: ArrowRow,
  y: number,
  top: number,
  stage: Stage,
): { texts: TextBox[]; bottom: number } {
  if (!row.stop) return { texts: [], bottom: top };
  const leg = row.stop.lane === 'firewall inside' ? 'outside' : 'inside';
  const room = legRoom(leg, stage);
  const lines = wrap(plain(`✘ ${row.stop.why}`), cellsWithin(room.right - room.left, FONT), MOST_LINES);
  const arrived = row.hops.some((hop) => hop.leg === leg);
  const start = arrived ? y + 15 : Math.max(top + 12, y + 4 - ((lines.length - 1) * LINE) / 2);
  const atRight = leg === 'inside';
  return {
    texts: lines.map((pieces, index) => ({
      pieces,
      x: atRight ? room.right : room.left,
      y: start + index * LINE,
      anchor: atRight ? 'end' : 'start',
      size: FONT,
      look: 'stop',
    })),
    bottom: start + (lines.length - 1) * LINE + 2,
  };
}

function placeMark(row: MarkRow, top: number, stage: Stage, time: string): RowPlace {
  const leg = legOfLane(row.lane, stage);
  const room = legRoom(leg, stage);
  const lines = wrap(plain(row.text), cellsWithin(room.right - room.left - 8, FONT), MOST_LINES);
  const laneX = stage.x(row.lane);
  const atLeft = laneX <= room.left;
  const y = top + 14;
  const texts: TextBox[] = lines.map((pieces, index) => ({
    pieces,
    x: atLeft ? room.left + 4 : room.right - 4,
    y: y + index * LINE,
    anchor: atLeft ? 'start' : 'end',
    size: FONT,
    look: row.tone === 'bad' ? 'bad' : 'mark',
  }));
  const bottom = y + (lines.length - 1) * LINE + 6;
  return { row, top, bottom, y: y - 3.5, hops: [], cross: null, texts: [...timeBox(time, y), ...texts] };
}

function legOfLane(name: LaneName, { lanes }: Stage): Hop['leg'] {
  const index = lanes.findIndex(({ lane }) => lane.name === name);
  return index <= lanes.findIndex(({ lane }) => lane.name === 'firewall inside') ? 'inside' : 'outside';
}
