import type { VNode } from 'preact';
import { count } from './words';

/** Boxes to tick; with none ticked, everything is shown. */
export interface Facet {
  /** the rows' data attribute it goes by */
  readonly key: string;
  readonly title: string;
  readonly options: readonly { readonly value: string; readonly label: string; readonly rows: number }[];
}

/** A list to choose one from, among the words of the rows' data attribute. */
export interface Choice {
  readonly key: string;
  readonly title: string;
  readonly any: string;
  readonly options: readonly string[];
}

/**
 * Filters over the rows of a part of the page. Hidden until the script shows them, for without it they
 * would do nothing.
 */
export function Filters(props: {
  label: string;
  /** id of the element whose rows are filtered */
  of: string;
  facets: readonly Facet[];
  choice?: Choice;
}): VNode {
  const { label, of, facets, choice } = props;
  return (
    <form class="filters" data-filters={of} aria-label={label} hidden>
      {facets.map((facet) => (
        <fieldset key={facet.key}>
          <legend>{facet.title}</legend>
          <div class="boxes">
            {facet.options.map(({ value, label: text, rows }) => (
              <label key={value}>
                <input type="checkbox" name={facet.key} value={value} /> {text}{' '}
                <span class="dim">{count(rows)}</span>
              </label>
            ))}
          </div>
        </fieldset>
      ))}
      {choice === undefined || choice.options.length === 0 ? null : (
        <label>
          {choice.title}{' '}
          <select name={choice.key}>
            <option value="">{choice.any}</option>
            {choice.options.map((option) => (
              <option key={option} value={option}>
                {option}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        Containing <input type="search" autocomplete="off" spellcheck={false} />
      </label>
      <button type="button" data-reset>
        Show all
      </button>
      <output aria-live="polite" />
    </form>
  );
}

/** The different values among rows, in the order of their first appearance, with how many have each. */
export function facetOptions<T extends string>(
  values: readonly T[],
  label: (value: T) => string = (value) => value,
): Facet['options'] {
  const rows = new Map<T, number>();
  for (const value of values) rows.set(value, (rows.get(value) ?? 0) + 1);
  return [...rows].map(([value, amount]) => ({ value, label: label(value), rows: amount }));
}
