import type { LabEvent, RawEvent } from './event';

type Raw<Kind extends LabEvent['kind']> = Extract<RawEvent, { kind: Kind }>;

/**
 * Finds for each traced packet its own event in the captures: on the leg it came by, or left by where the firewall
 * made it. A trace tells no time and no sequence number. Of packets that look alike, which is what those without an
 * identification of their own can do (RFC 6864), the first is the first; and of those nothing is said if the kernel
 * traced more of them, or fewer, than were captured.
 */
export function capturedAs(events: readonly RawEvent[]): ReadonlyMap<RawEvent, RawEvent> {
  const traced = new Map<string, Raw<'trace'>[]>();
  for (const event of events) {
    if (event.kind !== 'trace') continue;
    const { packet } = event;
    const key = keyOf(packet, packet.in ?? packet.out ?? '');
    const others = traced.get(key);
    if (others) others.push(event);
    else traced.set(key, [event]);
  }
  const captured = new Map<string, Raw<'packet'>[]>();
  if (traced.size === 0) return new Map();
  for (const event of events) {
    if (event.kind !== 'packet') continue;
    const key = keyOf(event, event.leg);
    if (!traced.has(key)) continue;
    const others = captured.get(key);
    if (others) others.push(event);
    else captured.set(key, [event]);
  }
  const pairs = new Map<RawEvent, RawEvent>();
  for (const [key, traces] of traced) {
    const packets = captured.get(key);
    if (packets?.length !== traces.length) continue;
    packets.sort((a, b) => a.at - b.at);
    traces.forEach((trace, index) => {
      const packet = packets[index];
      if (packet) pairs.set(trace, packet);
    });
  }
  return pairs;
}

type Ends = Pick<
  Raw<'packet'>,
  'protocol' | 'source' | 'sourcePort' | 'destination' | 'destinationPort' | 'flags' | 'identification'
>;

function keyOf(
  { protocol, source, sourcePort, destination, destinationPort, flags, identification }: Ends,
  leg: string,
): string {
  return [leg, protocol, source, sourcePort, destination, destinationPort, flags, identification].join(' ');
}
