import type { TableName } from './vocabulary';
import type { Complain, RuleWord } from './words';

/** Where a rule stands. */
export interface Place {
  readonly table: TableName;
  readonly chain: string;
  /** chains of the author's own in that table, made so far */
  readonly chains: readonly string[];
}

/** What a rule says, as far as it has been read. */
export interface Reading {
  readonly place: Place;
  readonly complain: Complain;
  /** by their flag: -s, -d, -p, -i, -o, -j, -g */
  readonly core: Map<string, RuleWord>;
  /** null when none is stated, or by “not” */
  protocol: string | null;
  /** the same as written, e.g. `-p tcp` or `! -p tcp`; empty: not at all */
  stated: string;
  readonly modules: Map<string, RuleWord>;
  /** NAT to a port, which needs a protocol that has ports */
  natPort: RuleWord | null;
  /** some module, target or protocol is not ours to know: its flags are left to iptables */
  foreign: boolean;
  /** rules the kernel gets: one for each pair of a comma list of addresses */
  copies: number;
}
