import type { JSX } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { ReportRun } from '../for-report';
import { layoutOf } from './layout';
import {
  FONT,
  SMALL,
  type BarPlace,
  type HopPlace,
  type Layout,
  type RowPlace,
  type TextBox,
} from './places';
import { LOOK } from './look';
import { widthOf } from './measure';
import { ladderOf } from './model';
import type { ArrowRow, Channel } from './types';

/**
 * One run as a picture, drawn from its result alone: a self-contained SVG of 760 CSS px that scales down,
 * for light, dark and print, with a text alternative.
 */
export function ladderSvg(run: ReportRun): string {
  const svg = renderToString(<Picture layout={layoutOf(ladderOf(run))} />);
  // The end of a CDATA section may not stand in text (XML 1.0 section 2.4), and HTML's escaping leaves it.
  return svg.replaceAll(']]>', ']]&gt;');
}

function Picture({ layout }: { layout: Layout }): JSX.Element {
  const { ladder, width, height, lanes, laneTop, laneBottom, rows, bars } = layout;
  const [inside, outside] = ['firewall inside', 'firewall outside'].map(
    (name) => lanes.find(({ lane }) => lane.name === name)?.x ?? 0,
  );
  const wall = { x: inside ?? 0, width: (outside ?? 0) - (inside ?? 0) };
  return (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      class="ladder"
      role="img"
      width={width}
      height={round(height)}
      viewBox={`0 0 ${width} ${round(height)}`}
    >
      <title>{ladder.title}</title>
      <desc>{ladder.description}</desc>
      <style>{LOOK}</style>
      <rect class="paper" width={width} height={round(height)} />
      <rect
        class="wall"
        x={round(wall.x)}
        y={laneTop}
        width={round(wall.width)}
        height={round(laneBottom - laneTop)}
      />
      {lanes.map(({ x }) => (
        <line class="lane" x1={round(x)} x2={round(x)} y1={laneTop} y2={round(laneBottom)} />
      ))}
      {layout.heads.map((box) => (
        <Text box={box} />
      ))}
      {bars.map((place) => (
        <BarShape place={place} />
      ))}
      {rows.map((place) => (
        <RowShape place={place} layout={layout} />
      ))}
      <Key layout={layout} />
    </svg>
  );
}

function Text({ box }: { box: TextBox }): JSX.Element {
  const { pieces, x, y, anchor, size, look } = box;
  const small = look === 'head' && size < FONT ? ' small' : '';
  return (
    <text class={`${look}${small}`} x={round(x)} y={round(y)} text-anchor={anchor} font-size={size}>
      {pieces.map(({ text, changed }) => (changed ? <tspan class="changed">{text}</tspan> : text))}
    </text>
  );
}

function RowShape({ place, layout }: { place: RowPlace; layout: Layout }): JSX.Element {
  const { row, texts, y, top } = place;
  const right = layout.width - 6;
  return (
    <g class={`row ${row.kind}-row`}>
      {row.kind === 'arrow' ? <title>{row.title}</title> : null}
      {row.kind === 'section' ? (
        <line class="rule" x1={6} x2={right} y1={round(top + 6)} y2={round(top + 6)} />
      ) : null}
      {row.kind === 'gap' ? (
        <line class="break" x1={66} x2={right} y1={round(y - 3.5)} y2={round(y - 3.5)} />
      ) : null}
      {row.kind === 'arrow' ? <Arrow row={row} place={place} /> : null}
      {texts.map((box) => (
        <Text box={box} />
      ))}
    </g>
  );
}

function Arrow({ row, place }: { row: ArrowRow; place: RowPlace }): JSX.Element {
  const { hops, y, cross } = place;
  const [first, second] = hops;
  return (
    <>
      {first && second ? (
        <line
          class={`arrow through ${row.channel}`}
          x1={round(first.toX)}
          x2={round(second.fromX)}
          y1={round(y)}
          y2={round(y)}
        />
      ) : null}
      {hops.map((hop) => (
        <HopShape hop={hop} row={row} y={y} stopped={cross !== null && hops.length === 1} />
      ))}
      {cross ? <Cross x={cross.x} y={y} certain={cross.certain} /> : null}
    </>
  );
}

/** Half the width of a cross, and the length of a tip. */
const CROSS = 6;
const TIP = 8;

function HopShape({
  hop,
  row,
  y,
  stopped,
}: {
  hop: HopPlace;
  row: ArrowRow;
  y: number;
  stopped: boolean;
}): JSX.Element {
  const { fromX, toX } = hop;
  const side = Math.sign(toX - fromX);
  const bulk = row.bytes !== null;
  // What never reached a wire ends half-way, without a tip.
  const lost = row.role === 'unseen' && row.hops.length === 1;
  const end = lost ? fromX + (toX - fromX) / 2 : toX;
  const look = `${row.channel}${bulk ? ' bulk' : ''}${row.role === 'unseen' ? ' unseen' : ''}`;
  const half = bulk ? 6 : 4;
  const tip = `${round(end)},${round(y)} ${round(end - side * (TIP + (bulk ? 4 : 0)))},${round(y - half)} ${round(end - side * (TIP + (bulk ? 4 : 0)))},${round(y + half)}`;
  return (
    <>
      <line
        class={`arrow ${look}`}
        x1={round(fromX)}
        x2={round(end - (lost || stopped ? 0 : side * (TIP - 1)))}
        y1={round(y)}
        y2={round(y)}
      />
      {lost || stopped ? null : (
        <polygon class={`tip ${row.channel}${row.reset ? ' reset' : ''}`} points={tip} />
      )}
    </>
  );
}

function Cross({ x, y, certain }: { x: number; y: number; certain: boolean }): JSX.Element {
  const [left, right, top, bottom] = [x - CROSS, x + CROSS, y - CROSS, y + CROSS].map(round);
  return (
    <path
      class={certain ? 'cross' : 'cross unsure'}
      d={`M${left ?? 0} ${top ?? 0}L${right ?? 0} ${bottom ?? 0}M${left ?? 0} ${bottom ?? 0}L${right ?? 0} ${top ?? 0}`}
    />
  );
}

function BarShape({ place }: { place: BarPlace }): JSX.Element {
  const { bar, x, top, bottom, flowing } = place;
  const rect = (look: string, width: number, from: number, to: number): JSX.Element => (
    <rect
      class={`bar ${look}`}
      x={round(x - width / 2)}
      y={round(from)}
      width={width}
      height={round(Math.max(2, to - from))}
    />
  );
  return (
    <g class="bar-group">
      <title>{`${bar.tag}: ${bar.text}`}</title>
      {rect(`${bar.channel}${bar.expectation ? ' expectation' : ''}`, 4, top, bottom)}
      {flowing ? rect(`${bar.channel} flowing`, 8, flowing.top, flowing.bottom) : null}
      {bar.ended && !place.cut ? (
        <line class="bar-end" x1={round(x - 5)} x2={round(x + 5)} y1={round(bottom)} y2={round(bottom)} />
      ) : null}
      <Text box={place.tag} />
    </g>
  );
}

interface Sample {
  readonly word: string;
  readonly sample: (x: number) => JSX.Element;
}

const sampleOf: Readonly<Record<'bulk' | 'cross' | 'reset' | 'bar', (y: number) => Sample['sample']>> = {
  bulk: (y) => (x) => <line class="arrow data bulk" x1={x} x2={x + 34} y1={y} y2={y} />,
  cross: (y) => (x) => <Cross x={x + 26} y={y} certain />,
  reset: (y) => (x) => (
    <polygon class="tip control reset" points={`${x + 34},${y} ${x + 24},${y - 4} ${x + 24},${y + 4}`} />
  ),
  bar: (y) => (x) => <rect class="bar control" x={x + 28} y={y - 7} width={4} height={14} />,
};

/** What the lines mean: a sample and a word for each. */
function Key({ layout }: { layout: Layout }): JSX.Element {
  const { keyTop, keys } = layout;
  const arrows = layout.ladder.rows.filter((row) => row.kind === 'arrow');
  const present = new Set(arrows.map(({ channel }) => channel));
  const when = <T,>(condition: boolean, sample: T): T[] => (condition ? [sample] : []);
  const samples: Sample[] = [
    ...(['control', 'data', 'probe', 'other'] as const)
      .filter((channel) => present.has(channel))
      .map((channel: Channel) => ({
        word: channel,
        sample: (x: number) => <line class={`arrow ${channel}`} x1={x} x2={x + 34} y1={keyTop} y2={keyTop} />,
      })),
    ...when(
      arrows.some(({ bytes }) => bytes !== null),
      { word: 'bytes', sample: sampleOf.bulk(keyTop) },
    ),
    ...when(
      arrows.some(({ stop }) => stop !== null),
      { word: 'went no further', sample: sampleOf.cross(keyTop) },
    ),
    ...when(
      arrows.some(({ reset }) => reset),
      { word: 'reset', sample: sampleOf.reset(keyTop) },
    ),
    ...when(layout.bars.length > 0, { word: 'table entry', sample: sampleOf.bar(keyTop) }),
  ];
  let x = 12;
  return (
    <g class="key-group">
      {samples.map(({ word, sample }) => {
        const at = x;
        const text: TextBox = {
          pieces: [{ text: word, changed: false }],
          x: at + 40,
          y: keyTop + 3.5,
          anchor: 'start',
          size: SMALL,
          look: 'key',
        };
        x = Math.ceil(at + 40 + widthOf(word, SMALL) + 14);
        return (
          <>
            {sample(at)}
            <Text box={text} />
          </>
        );
      })}
      {keys.map((box) => (
        <Text box={box} />
      ))}
    </g>
  );
}

/** Enough for the eye, and the same on every machine. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}
