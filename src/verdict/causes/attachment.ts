import { inRanges } from '../../agent/port-ranges';
import type { LoadedRule } from '../../firewall/effect';
import type { ConntrackEvent, LabEvent, PacketEvent } from '../../observe/event';
import { isSyn, type Facts, type TransferFacts } from '../facts';

/** NF_IP_PRI_CONNTRACK: before it a packet belongs to no connection that a helper could be set on. */
const CONNTRACK_PRIORITY = -200;

/** Whether anything here has the kernel get an FTP helper: modules, or rules of the owner's own. */
export function helperIsLoaded({ plan, observation }: Facts): boolean {
  return plan.firewall.helper.ports.length > 0 || observation.loaded.helpers.includes('ftp');
}

/** The rows that attach an FTP helper: nft's `ct helper set`, iptables' `-j CT --helper`. */
export function attachingRows({ loaded }: Facts): readonly LoadedRule[] {
  return [...loaded.values()].filter(({ does }) => does.attaches === 'ftp');
}

/** Whether a rule attaches the helper to servers on a port. */
export function watches({ does }: LoadedRule, port: number): boolean {
  return does.destinationPorts === null || inRanges(does.destinationPorts, port);
}

/** Whether it stands in a chain that sees packets before conntrack does. iptables' CT target comes in time in table raw. */
export function isTooEarly({ priority }: LoadedRule): boolean {
  return priority !== null && priority < CONNTRACK_PRIORITY;
}

/** The first SYN of a control connection, where it came to the firewall. */
export function controlSyn(facts: Facts): PacketEvent | undefined {
  return facts.controlPackets[facts.legOf.client].find(
    (packet) => isSyn(packet) && packet.destinationPort === facts.plan.server.port,
  );
}

/** What conntrack told of a transfer's control connection. */
export interface ControlEntry {
  /** an event that shows the helper; undefined when none does */
  readonly helped: ConntrackEvent | undefined;
  /** the first event, when none of them shows a helper */
  readonly bare: ConntrackEvent | undefined;
}

/** The entry of the control connection a transfer used. Nothing when the record of conntrack has gaps. */
export function controlEntry(facts: Facts, of: TransferFacts): ControlEntry {
  const { port } = facts.plan.server;
  const mine = new Set<LabEvent>(of.events);
  const used = facts.controlPackets[facts.legOf.client].find(
    (packet) => mine.has(packet) && packet.destinationPort === port,
  );
  const entries = facts.conntrack.filter(
    ({ original, change }) =>
      !change.startsWith('expect-') &&
      original.destinationPort === port &&
      original.sourcePort === used?.sourcePort,
  );
  const helped = entries.find(({ helper }) => helper !== null);
  const whole = facts.observation.conntrackLost === 0;
  return { helped, bare: helped || !whole ? undefined : entries[0] };
}
