import type { Leg, RawEvent } from './event';
import { bulkSegment, decodePacket, flowKey, type BulkSegment, type PacketHeaders } from './packet';
import type { CapturedPacket } from './pcap';
import type { ProbeSightings } from './probe-sightings';

/** A control line of interest fits; whole dialogues are recorded at the ends. */
const PAYLOAD_LIMIT = 512;
/** An attacker could make every packet special; beyond this many they only count in flows. */
const MAX_PACKET_EVENTS = 50_000;

interface Flow {
  readonly headers: PacketHeaders;
  readonly from: number;
  until: number;
  packets: number;
  bytes: number;
}

/**
 * Turns the packets of one leg into events. Packets that open, close or reset a connection, carry
 * control dialogue, or are not TCP get an event each; bulk data and bare acknowledgements are summed
 * up by flow, so that a 256 MiB transfer stays readable.
 */
export class PacketEvents {
  private readonly events: RawEvent[] = [];
  /** by source, then destination; each an address and port as one number */
  private readonly flows = new Map<number, Map<number, Flow>>();

  constructor(
    private readonly leg: Leg,
    private readonly controlPort: number,
    private readonly probes: ProbeSightings,
  ) {}

  add(packet: CapturedPacket): void {
    const bulk = bulkSegment(packet.data, this.controlPort);
    // A probe may look like bulk: a bare ACK does.
    if (bulk && !this.probes.expected && this.count(packet.at, bulk)) return;
    const headers = decodePacket(packet.data);
    if (!headers || (this.probes.expected && this.probes.take(packet.at, headers))) return;
    if (bulk && this.count(packet.at, bulk)) return;
    if (!bulk && this.events.length < MAX_PACKET_EVENTS) {
      this.events.push(this.packetEvent(packet.at, headers));
      return;
    }
    const segment = bulk ?? { ...flowKey(packet.data), length: headers.length };
    if (!this.count(packet.at, segment)) this.beginFlow(packet.at, segment, headers);
  }

  finish(): RawEvent[] {
    const flows = [...this.flows.values()]
      .flatMap((bySource) => [...bySource.values()])
      .map(({ headers, from, until, packets, bytes }): RawEvent => {
        const { source, sourcePort, destination, destinationPort } = headers;
        const ends = `${source}:${sourcePort} → ${destination}:${destinationPort}`;
        return {
          kind: 'flow',
          at: from,
          vantage: `firewall ${this.leg}`,
          text: `${ends} ${packets} more packets, ${bytes} bytes`,
          leg: this.leg,
          source,
          sourcePort,
          destination,
          destinationPort,
          packets,
          bytes,
          until,
        };
      });
    return [...this.events, ...flows, ...this.probes.finish()];
  }

  private packetEvent(at: number, headers: PacketHeaders): RawEvent {
    const { source, sourcePort, destination, destinationPort, protocol, flags, sequence, length } = headers;
    const control = sourcePort === this.controlPort || destinationPort === this.controlPort;
    const payload = control ? headers.payload.subarray(0, PAYLOAD_LIMIT).toString('latin1') : '';
    const ends =
      protocol === 'icmp'
        ? `${source} → ${destination} ICMP type ${sourcePort} code ${destinationPort}`
        : `${source}:${sourcePort} → ${destination}:${destinationPort} ${protocol.toUpperCase()} ${flags}`;
    return {
      kind: 'packet',
      at,
      vantage: `firewall ${this.leg}`,
      text: payload
        ? `${ends} "${payload.trimEnd()}"`
        : `${ends.trimEnd()}${length ? ` ${length} bytes` : ''}`,
      leg: this.leg,
      source,
      sourcePort,
      destination,
      destinationPort,
      protocol,
      flags,
      sequence,
      length,
      payload,
    };
  }

  /** Adds a packet to its flow; false when it is the first of it. */
  private count(at: number, { source, destination, length }: BulkSegment): boolean {
    const flow = this.flows.get(source)?.get(destination);
    if (!flow) return false;
    flow.until = at;
    flow.packets += 1;
    flow.bytes += length;
    return true;
  }

  private beginFlow(at: number, { source, destination, length }: BulkSegment, headers: PacketHeaders): void {
    // The payload points into a read buffer; a flow must not keep that alive.
    const kept = { ...headers, payload: Buffer.alloc(0) };
    const flow = { headers: kept, from: at, until: at, packets: 1, bytes: length };
    const bySource = this.flows.get(source) ?? new Map<number, Flow>();
    this.flows.set(source, bySource.set(destination, flow));
  }
}
