import type { Leg, PacketEvent, RuleEvent } from '../../observe/event';
import type { ReportRun } from '../for-report';
import { labelText } from './label';
import type { Connections } from './connections';
import { otherLeg } from './journeys';
import { FIREWALL } from './lanes';
import type { Stop } from './types';

/**
 * Tells why a packet that reached the firewall on a leg, and was sent again, went no further.
 *
 * @param refused whether the firewall answered with a RST of its own
 */
export type StopReason = (packets: readonly PacketEvent[], leg: Leg, refused: boolean) => Stop;

/** What the run's diagnoses and captures say of packets that did not leave the firewall. */
export function stopReasons(run: ReportRun, connections: Connections): StopReason {
  const byPacket = new Map<string, readonly RuleEvent[]>();
  const byConnection = new Map<string, readonly RuleEvent[]>();
  const events = new Map(run.events.map((event) => [event.id, event]));
  for (const { events: ids } of run.diagnosis) {
    const named = ids.flatMap((id) => events.get(id) ?? []);
    const rules = named.filter((event) => event.kind === 'rule').filter(({ stops }) => stops);
    if (rules.length === 0) continue;
    for (const event of named) {
      if (event.kind !== 'packet') continue;
      byPacket.set(event.id, rules);
      byConnection.set(directionOf(event, connections), rules);
    }
  }
  return (packets, leg, refused) => {
    const named = packets.map(({ id }) => byPacket.get(id)).find((found) => found !== undefined);
    const alike = packets.map((packet) => byConnection.get(directionOf(packet, connections))).find(Boolean);
    // Of a connection that a rule stopped, a later packet may fare otherwise: its answer tells.
    const rules = named ?? (refused ? undefined : alike);
    if (!rules && refused) {
      return { lane: FIREWALL[leg], why: 'reached the firewall itself, which reset it', certain: true };
    }
    return { lane: FIREWALL[leg], ...reason(rules, beyond(run, leg)) };
  };
}

/** A direction of a connection, on one leg. */
function directionOf(packet: PacketEvent, connections: Connections): string {
  return `${packet.leg} ${connections.rootOf(packet)} ${packet.source}:${packet.sourcePort}`;
}

function reason(
  rules: readonly RuleEvent[] | undefined,
  incomplete: string | null,
): { why: string; certain: boolean } {
  if (rules) return { why: `stopped by ${rules.map(nameRule).join(' or ')}`, certain: true };
  return incomplete === null
    ? { why: 'never left the firewall', certain: true }
    : { why: `not seen beyond: ${incomplete}`, certain: false };
}

export function nameRule({ row, rule }: Pick<RuleEvent, 'row' | 'rule'>): string {
  const text = labelText(rule, 120).replace(/\s+/g, ' ');
  return row === 'policy' ? `the ${text}` : `row ${row}: ${text}`;
}

/** Why the capture of the other leg proves nothing; null when it does. */
function beyond(run: ReportRun, leg: Leg): string | null {
  const capture = run.captures.find((one) => one.leg === otherLeg(leg));
  if (!capture) return `nothing was captured ${otherLeg(leg)}`;
  return capture.lost > 0 ? `the ${otherLeg(leg)} capture lost ${capture.lost} packets` : null;
}
