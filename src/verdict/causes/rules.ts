import type { LoadedRule } from '../../firewall/effect';
import type { LabEvent, PacketEvent, RuleEvent, TraceEvent, TraceStep } from '../../observe/event';
import { ruleKey, type CountedRule, type Facts, type TransferFacts } from '../facts';
import { mayMatch } from '../may-match';

/** Rules that stop packets (rows that drop or reject, a policy of drop) and counted some in this transfer. */
function stoppedBy(of: TransferFacts): CountedRule[] {
  return of.counted.filter(({ event }) => event.stops);
}

/**
 * What stopped a packet that did not leave the firewall: the rule that the kernel's trace of it names, or none, where
 * it passed all of them and something else did away with it. Where there is no trace of it, the rules that stopped
 * some packet in this transfer.
 */
export function stoppersOf(facts: Facts, of: TransferFacts, packet: PacketEvent): CountedRule[] {
  const trace = facts.traces.get(packet.id);
  if (trace?.fate === 'passed') return [];
  const last = trace?.fate === 'dropped' ? trace.steps.at(-1) : undefined;
  const event = last && facts.rules.find((rule) => isStep(rule, last));
  // Of policies, only those for forwarded packets have a counter.
  if (last?.handle === null && !event) return [];
  if (!trace || !event) return stoppedBy(of);
  const counted = of.counted.find((rule) => ruleKey(rule.event) === ruleKey(event));
  return [{ event: counted?.event ?? event, packets: counted?.packets ?? 1, trace }];
}

/** The base chain whose policy stopped a packet, as the kernel traced it; undefined when it was something else. */
export function policyThatStopped(
  { traces }: Facts,
  packet: PacketEvent,
): { readonly chain: string; readonly trace: TraceEvent } | undefined {
  const trace = traces.get(packet.id);
  const last = trace?.steps.at(-1);
  if (trace?.fate !== 'dropped' || last?.handle !== null) return undefined;
  return { chain: last.chain, trace };
}

/** Whether a rule's counter is that of a step: several policies tell their chain. */
function isStep({ row, rule }: RuleEvent, step: TraceStep): boolean {
  if (row !== step.row) return false;
  return row !== 'policy' || !rule.includes(' of chain ') || rule.endsWith(` of chain ${step.chain}`);
}

/** Of those, rows that answer what they stop: with RST, or an ICMP error. */
export function rejectersOf(facts: Facts, of: TransferFacts, packet: PacketEvent): CountedRule[] {
  return stoppersOf(facts, of, packet).filter(
    ({ event }) => loadedAs(facts, event)?.does.verdict === 'reject',
  );
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

export function eventsOf(rules: readonly CountedRule[]): LabEvent[] {
  return rules.flatMap(({ event, trace }) => (trace ? [trace, event] : [event]));
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
