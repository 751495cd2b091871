import { CHARACTER, cells } from './measure';
import type { Bar, Hop, Ladder, Lane, Piece, Row } from './types';

/** All measures in CSS px. */
export const WIDTH = 760;
export const TIME_WIDTH = 62;
/** Between the firewall's two lanes, where its entries stand. */
export const FIREWALL_WIDTH = 112;
/** A lane beyond the nearest host of its side. */
export const EXTRA_LANE = 92;
export const HALF_HEAD = 46;
export const FONT = 11;
export const SMALL = 10;
export const LINE = 14;
export const SMALL_LINE = 12.5;
export const HEAD_HEIGHT = 56;
/** Room between a text and a lane. */
export const MARGIN = 6;
export const MOST_LINES = 5;

/** A text with its place; x is its left, middle or right by its anchor, y its baseline. */
export interface TextBox {
  readonly pieces: readonly Piece[];
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
  readonly size: number;
  /** class of its look */
  readonly look:
    | 'label'
    | 'ends'
    | 'time'
    | 'stop'
    | 'mark'
    | 'bad'
    | 'section'
    | 'outcome'
    | 'gap'
    | 'head'
    | 'tag'
    | 'key';
}

export interface HopPlace {
  readonly hop: Hop;
  readonly fromX: number;
  readonly toX: number;
}

export interface RowPlace {
  readonly row: Row;
  readonly top: number;
  readonly bottom: number;
  /** where its arrow, or its text, is */
  readonly y: number;
  readonly hops: readonly HopPlace[];
  readonly cross: { readonly x: number; readonly certain: boolean } | null;
  readonly texts: readonly TextBox[];
}

/** A bar with coordinates, in CSS px. */
export interface BarPlace {
  readonly bar: Bar;
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
  /** it goes on, but another needed its column */
  readonly cut: boolean;
  readonly tag: TextBox;
  /** where bulk data flowed */
  readonly flowing: { readonly top: number; readonly bottom: number } | null;
}

export interface Layout {
  readonly ladder: Ladder;
  readonly width: number;
  readonly height: number;
  readonly lanes: readonly { readonly lane: Lane; readonly x: number }[];
  readonly laneTop: number;
  readonly laneBottom: number;
  readonly heads: readonly TextBox[];
  readonly rows: readonly RowPlace[];
  readonly bars: readonly BarPlace[];
  readonly keys: readonly TextBox[];
  /** where the samples of the key are drawn */
  readonly keyTop: number;
}

/** The rectangle a text takes, on the safe side. */
export function boxOf({ pieces, x, y, anchor, size }: TextBox): {
  left: number;
  right: number;
  top: number;
  bottom: number;
} {
  const width = pieces.reduce((sum, { text }) => sum + cells(text), 0) * size * CHARACTER;
  const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
  return { left, right: left + width, top: y - size * 0.85, bottom: y + size * 0.25 };
}
