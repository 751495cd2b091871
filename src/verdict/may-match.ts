import { inRanges } from '../agent/port-ranges';
import type { Effect } from '../firewall/effect';
import type { PacketEvent } from '../observe/event';
import type { Plan } from '../plan/plan';
import { isNamed, rangesOverlap } from './unmatchable';

/** What a rule may still ask of a packet when its state is left aside. */
export function mayMatch(plan: Plan, does: Effect, packet: PacketEvent): boolean {
  return whyNot(plan, does, packet) === null;
}

/**
 * Why a rule cannot match a packet that comes to the firewall on a leg and is to leave on the other, whatever its
 * state; null when it may. Addresses that are translated on the way are not judged.
 */
export function whyNot(plan: Plan, does: Effect, packet: PacketEvent): string | null {
  const { leg, source, sourcePort, destination, destinationPort, protocol } = packet;
  const far = leg === 'inside' ? 'outside' : 'inside';
  for (const { on, any } of does.conditions) {
    if (on === 'in' && !any.some((name) => isNamed(name, leg))) return `it came in from ${leg}`;
    if (on === 'out' && !any.some((name) => isNamed(name, far))) return `it was to go out to ${far}`;
    const translated = plan.firewall.nat !== 'none';
    if (on === 'source' && !translated && !any.some((text) => rangesOverlap(text, source)))
      return `it came from ${source}`;
    if (on === 'destination' && !translated && !any.some((text) => rangesOverlap(text, destination)))
      return `it went to ${destination}`;
  }
  const named = does.protocols?.map((name) => name.toLowerCase());
  if (named && !named.some((name) => [protocol, 'all', 'ip', NUMBERS[protocol]].includes(name)))
    return `it is of ${protocol}`;
  const within = (ports: Effect['sourcePorts'], port: number): boolean =>
    ports === null || inRanges(ports, port);
  if (!within(does.sourcePorts, sourcePort)) return `it came from port ${sourcePort}`;
  if (!within(does.destinationPorts, destinationPort)) return `it went to port ${destinationPort}`;
  return null;
}

const NUMBERS: Readonly<Record<string, string>> = { tcp: '6', udp: '17', icmp: '1' };
