import { faqTable } from './faq-table/dialect';
import { isFaqTable } from './faq-table/table';
import { ipchains, ipchainsRuleset } from './ipchains/dialect';
import { iptables, iptablesRuleset } from './iptables/dialect';
import type { Dialect, DialectContext, FirewallKind, FirewallSpec, ParsedRules, Ruleset } from './kinds';
import { nftables } from './nftables/dialect';
import { nftRuleset } from './nftables/ruleset';

/** What each kind of firewall is told in, and how its ruleset is made. */
const KINDS: Readonly<
  Record<FirewallKind, { readonly dialect: Dialect; readonly ruleset: (spec: FirewallSpec) => Ruleset }>
> = {
  ipchains: { dialect: ipchains, ruleset: ipchainsRuleset },
  iptables: { dialect: iptables, ruleset: iptablesRuleset },
  nftables: { dialect: nftables, ruleset: nftRuleset },
};

/** Reads rule text: the FAQ's table, which its heading tells, or the kind's own commands. Pure. */
export function parseRules(text: string, context: DialectContext): ParsedRules {
  return (isFaqTable(text) ? faqTable : KINDS[context.kind].dialect).parse(text, context);
}

/** The ruleset of a firewall, ready to be loaded. Pure. */
export function makeRuleset(kind: FirewallKind, spec: FirewallSpec): Ruleset {
  return KINDS[kind].ruleset(spec);
}
