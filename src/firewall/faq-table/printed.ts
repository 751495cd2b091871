import tables from '../../../scenarios/faq/tables.json';

export interface FaqTable {
  readonly title: string;
  /** exactly as the FAQ prints it, but for the wording of the notes */
  readonly printed: boolean;
  /** of a corrected table: the printed one it is made from */
  readonly of?: string;
  /** of a corrected table: what does not work as printed, and what was changed */
  readonly why?: string;
  /** its header, then one rule each, as {@link parseTable} reads them */
  readonly rows: readonly string[];
}

/** The FAQ's rule tables in order of appearance, T1 to T5, and corrected twins of those that need one. */
export const FAQ_TABLES: Readonly<Record<string, FaqTable>> = tables;

/**
 * A table of the FAQ's as rule text.
 *
 * @throws an Error that lists the known tables
 */
export function tableText(name: string): string {
  const table = Object.hasOwn(FAQ_TABLES, name) ? FAQ_TABLES[name] : undefined;
  if (!table) throw new Error(`unknown table "${name}"; known: ${Object.keys(FAQ_TABLES).join(', ')}`);
  return `${table.rows.join('\n')}\n`;
}
