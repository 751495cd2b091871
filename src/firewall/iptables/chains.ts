import type { TableName } from './tables';
import { CHAINS, TABLES } from './tables';

/** A rule as it stands in its chain. */
export interface Standing {
  readonly row: number;
  /** its words, by which -D finds it */
  readonly key: string;
  readonly jumpsTo: string | null;
}

/**
 * The chains as the commands read so far leave them: what a chain has to be known for, which number
 * exists, which rule a -D means. Numbers are from 1, as in iptables.
 */
export class Chains {
  private readonly tables = new Map<TableName, Map<string, Standing[]>>(
    TABLES.map((table) => [table, new Map(CHAINS[table].map((chain) => [chain, [] as Standing[]]))]),
  );
  /** asked for at every rule; made anew only when a chain comes or goes */
  private readonly own = new Map<TableName, readonly string[]>(TABLES.map((table) => [table, []]));

  rules(table: TableName, chain: string): Standing[] | undefined {
    return this.tables.get(table)?.get(chain);
  }

  /** The author's own chains of a table, in the order they were made. */
  ownChains(table: TableName): readonly string[] {
    return this.own.get(table) ?? [];
  }

  make(table: TableName, chain: string): void {
    this.tables.get(table)?.set(chain, []);
    this.own.set(table, [...this.ownChains(table), chain]);
  }

  remove(table: TableName, chain: string): void {
    this.tables.get(table)?.delete(chain);
    this.own.set(
      table,
      this.ownChains(table).filter((each) => each !== chain),
    );
  }

  /** All chains of a table, the built-in ones first. */
  names(table: TableName): readonly string[] {
    return [...(this.tables.get(table)?.keys() ?? [])];
  }

  isJumpedTo(table: TableName, chain: string): boolean {
    return [...(this.tables.get(table)?.values() ?? [])].some((rules) =>
      rules.some((rule) => rule.jumpsTo === chain),
    );
  }
}
