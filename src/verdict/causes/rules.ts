import type { Plan } from '../../plan/plan';
import type { RuleEvent } from '../../observe/event';
import type { CountedRule, Facts, TransferFacts } from '../facts';

/** Rules that stop packets (rows that drop or reject, a policy of drop) and counted some in this transfer. */
export function stoppedBy(of: TransferFacts): CountedRule[] {
  return of.counted.filter(({ event }) => event.stops);
}

/** Of those, rows that answer what they stop: with RST, or an ICMP error. */
export function rejectedBy(of: TransferFacts): CountedRule[] {
  return stoppedBy(of).filter(({ event }) => /\breject\b/i.test(event.rule));
}

/** "row 3, “tcp dport 21 drop” (2 packets) or the policy drop (1 packet)" */
export function nameRules(rules: readonly CountedRule[]): string {
  const name = ({ event, packets }: CountedRule): string =>
    `${event.row === 'policy' ? `the ${event.rule}` : `row ${event.row}, “${event.rule}”`} (${packets} packets)`;
  return rules.map(name).join(' or ');
}

export function eventsOf(rules: readonly CountedRule[]): RuleEvent[] {
  return rules.map(({ event }) => event);
}

/** Whether the rules were stopped by the policy alone: no row spoke of the packet. */
export function onlyPolicy(rules: readonly CountedRule[]): boolean {
  return rules.length > 0 && rules.every(({ event }) => event.row === 'policy');
}

/** The first row that accepts what belongs to a known connection: where helpers come in. */
export function relatedRow({ firewall }: Plan): Plan['firewall']['rows'][number] | undefined {
  return firewall.rows.find(({ text, stops }) => !stops && /\brelated\b/i.test(text));
}

/**
 * Whether some rule that is loaded accepts packets from a port alone. Read from the ruleset as loaded, which
 * also the FAQ's tables become: `--sport 20` in iptables, `sport 20` in nft, `-s any 20` in ipchains.
 */
export function acceptsFromPort({ firewall }: Plan, port: number): boolean {
  const from = new RegExp(`\\bsport\\s+${port}\\b|\\s-s\\s+\\S+\\s+${port}\\b`);
  return firewall.ruleset.text.split('\n').some((line) => /\baccept\b/i.test(line) && from.test(line));
}

/** Each rule's counter at the end of the run. */
export function lastCount({ rules }: Facts, row: number): RuleEvent | undefined {
  return rules.find((rule) => rule.row === row);
}
