import type { Ruleset } from '../kinds';

/** What nft says of a place in the owner's text. Lines and columns from 0. */
export interface RefusedByNft {
  /** null where it is no row */
  readonly row: number | null;
  /** of the row's text, or, where it is none, of the whole */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/**
 * Reads what nft says of a ruleset it refuses, e.g. `rules.nft:3:5-9: Error: syntax error, unexpected string`. What
 * it says after a syntax error is of the confusion that follows, so the first is all.
 *
 * @param rowLines lines counted from the beginning of what nft was given
 */
export function refusedByNft(stderr: string, { rowLines, textLines = [] }: Ruleset): RefusedByNft[] {
  const said = [...stderr.matchAll(/:(\d+):(\d+)-\d+: Error: ([^\n]+)/g)];
  const syntax = said.findIndex(([, , , message]) => message?.startsWith('syntax error'));
  return said
    .slice(0, syntax < 0 ? said.length : syntax + 1)
    .flatMap(([, line, at, message = '']): RefusedByNft[] => {
      const column = Number(at) - 1;
      const place = rowLines.findLast((each) => each.line === Number(line) && each.indent <= column);
      if (place) return [{ message, row: place.row, line: place.within ?? 0, column: column - place.indent }];
      const source = textLines.find((each) => each.line === Number(line))?.source;
      return source === undefined ? [] : [{ message, row: null, line: source, column }];
    });
}
