import { plain } from './label';
import { cellsWithin, wrap } from './measure';
import { placeBars } from './place-bars';
import { placeRow } from './place-rows';
import {
  EXTRA_LANE,
  FIREWALL_WIDTH,
  FONT,
  HALF_HEAD,
  HEAD_HEIGHT,
  SMALL,
  TIME_WIDTH,
  WIDTH,
  type BarPlace,
  type Layout,
  type TextBox,
} from './places';
import type { Ladder, Lane, LaneName } from './types';

/** Places a ladder: texts stacked, lines with room, nothing over another. */
export function layoutOf(ladder: Ladder): Layout {
  const lanes = placeLanes(ladder.lanes);
  const x = (name: LaneName): number => lanes.find(({ lane }) => lane.name === name)?.x ?? 0;
  const laneTop = HEAD_HEIGHT;
  let top = laneTop + 8;
  let lastTime = '';
  const rows = ladder.rows.map((row) => {
    const time = row.kind === 'arrow' || row.kind === 'mark' ? row.at.toFixed(3) : '';
    const placed = placeRow(row, top, { lanes, x }, time === lastTime ? '' : time);
    if (time !== '') lastTime = time;
    top = placed.bottom;
    return placed;
  });
  const laneBottom = top + 10;
  const { bars, omitted } = placeBars(ladder.bars, rows, {
    left: x('firewall inside') + 16,
    right: x('firewall outside') - 14,
    bottom: laneBottom,
  });
  const keyTop = laneBottom + 24;
  const keys = placeKeys(ladder, bars, omitted, keyTop);
  const height = Math.max(keyTop, ...keys.map(({ y }) => y)) + 12;
  return {
    ...{ ladder, width: WIDTH, height, lanes, laneTop, laneBottom, rows, bars, keys, keyTop },
    heads: lanes.flatMap(placeHead),
  };
}

function placeLanes(lanes: readonly Lane[]): { lane: Lane; x: number }[] {
  const inside = lanes.findIndex(({ name }) => name === 'firewall inside');
  const extraLeft = Math.max(0, inside - 1);
  const extraRight = Math.max(0, lanes.length - inside - 3);
  const left = TIME_WIDTH + HALF_HEAD + 4;
  const right = WIDTH - HALF_HEAD - 6;
  const nearLeft = left + extraLeft * EXTRA_LANE;
  const nearRight = right - extraRight * EXTRA_LANE;
  const middle = (nearLeft + nearRight) / 2;
  return lanes.map((lane, index) => {
    if (index < inside) return { lane, x: left + index * EXTRA_LANE };
    if (index === inside) return { lane, x: middle - FIREWALL_WIDTH / 2 };
    if (index === inside + 1) return { lane, x: middle + FIREWALL_WIDTH / 2 };
    return { lane, x: nearRight + (index - inside - 2) * EXTRA_LANE };
  });
}

function placeHead({ lane, x }: { lane: Lane; x: number }): TextBox[] {
  const isFirewall = lane.name.startsWith('firewall');
  const lines = [isFirewall ? 'firewall' : lane.name, lane.detail, lane.address];
  return lines.flatMap((text, index): TextBox[] =>
    text === ''
      ? []
      : [
          {
            pieces: wrap(plain(text), cellsWithin(2 * HALF_HEAD + 4, index === 0 ? FONT : SMALL), 1)[0] ?? [],
            ...{ x, y: 16 + index * 14, anchor: 'middle', size: index === 0 ? FONT : SMALL, look: 'head' },
          },
        ],
  );
}

/** Under the ladder: what its lines mean, and the entries its bars stand for. */
function placeKeys(ladder: Ladder, bars: readonly BarPlace[], omitted: number, top: number): TextBox[] {
  const more = omitted + ladder.moreEntries;
  const lines = [
    ...bars.map(({ bar }) => `${bar.tag.padEnd(3)} ${bar.text}`),
    ...(more === 0 ? [] : [`    and ${more} more entries without a bar`]),
    ...(ladder.timeNote === null ? [] : [`Time: ${ladder.timeNote}`]),
  ];
  const fit = cellsWithin(WIDTH - 50, SMALL);
  const wrapped = lines.flatMap((line) =>
    wrap(plain(line), fit, 3).map((pieces, index) => ({ pieces, indent: index === 0 ? 0 : 26 })),
  );
  return wrapped.map(({ pieces, indent }, index) => ({
    pieces,
    ...({ x: 12 + indent, y: top + 26 + index * 14, anchor: 'start', size: SMALL, look: 'key' } as const),
  }));
}
