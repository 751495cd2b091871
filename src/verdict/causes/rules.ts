import type { LoadedRule } from '../../firewall/effect';
import type { PacketEvent, RuleEvent } from '../../observe/event';
import type { CountedRule, Facts, TransferFacts } from '../facts';
import { mayMatch } from '../may-match';

/** Rules that stop packets (rows that drop or reject, a policy of drop) and counted some in this transfer. */
export function stoppedBy(of: TransferFacts): CountedRule[] {
  return of.counted.filter(({ event }) => event.stops);
}

/** Of those, rows that answer what they stop: with RST, or an ICMP error. */
export function rejectedBy(facts: Facts, of: TransferFacts): CountedRule[] {
  return stoppedBy(of).filter(({ event }) => loadedAs(facts, event)?.does.verdict === 'reject');
}

/** What a rule does, as it was loaded; undefined for a policy, and where the firewall did not tell. */
export function loadedAs({ loaded }: Facts, { row }: RuleEvent): LoadedRule | undefined {
  return row === 'policy' ? undefined : loaded.get(row);
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

/** Whether packets were stopped by what stops all that is left: the policy, or a row that asks nothing, which is the same. */
export function onlyWhatIsLeft(facts: Facts, rules: readonly CountedRule[]): boolean {
  return (
    rules.length > 0 &&
    rules.every(({ event }) => event.row === 'policy' || loadedAs(facts, event)?.does.always === true)
  );
}

/**
 * The first row that would have accepted a packet as one of a related connection, which is where helpers come in. It
 * stands before what stopped the packet, and asks nothing else that the packet has not.
 */
export function relatedRow(
  facts: Facts,
  packet: PacketEvent,
  stopped: readonly CountedRule[],
): RuleEvent | undefined {
  const rule = [...facts.loaded.values()].find(
    (one) =>
      (one.hook === null || one.hook === 'forward') &&
      one.does.verdict === 'accept' &&
      one.does.states?.includes('related') === true &&
      mayMatch(facts.plan, one.does, packet) &&
      stopped.every((dropper) => comesAfter(facts, one, dropper)),
  );
  return facts.rules.find(({ row }) => row === rule?.row);
}

/** Whether what stopped a packet is asked after a rule: a policy is, and so is what another chain does. */
export function comesAfter(facts: Facts, rule: LoadedRule, { event }: CountedRule): boolean {
  const dropper = loadedAs(facts, event);
  if (dropper?.chain !== rule.chain) return true;
  // As the firewall lists them, which is the order they are asked in.
  const rows = [...facts.loaded.keys()];
  return rows.indexOf(dropper.row) > rows.indexOf(rule.row);
}

/** Whether some rule accepts packets because of a port they come from. */
export function acceptsFromPort({ loaded }: Facts, port: number): boolean {
  return [...loaded.values()].some(
    ({ does }) =>
      does.verdict === 'accept' &&
      does.sourcePorts?.some(([low, high]) => low === port && high === port) === true,
  );
}

/** Each rule's counter at the end of the run. */
export function lastCount({ rules }: Facts, row: number): RuleEvent | undefined {
  return rules.find((rule) => rule.row === row);
}
