import { toNumber } from '../firewall/quantities';
import type { Leg, RawEvent } from './event';
import { bulkSegment, decodePacket, flowKey, type BulkSegment, type PacketHeaders } from './packet';
import type { CapturedPacket } from './pcap';
import type { ProbeSightings } from './probe-sightings';

/** A control line of interest fits; whole dialogues are recorded at the ends. */
const PAYLOAD_LIMIT = 512;
/** An attacker could make every packet special; beyond this many they only count in flows. */
const MAX_PACKET_EVENTS = 50_000;

/** Of a flow of so few packets each one's time is kept: a control connection's acknowledgements, and keep-alive. */
const MAX_TIMES = 200;

interface Flow {
  readonly headers: PacketHeaders;
  readonly from: number;
  until: number;
  /** when each passed; null once they are too many */
  times: number[] | null;
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
  /** the clients' ends of control connections, as seen here, each an address and port as one number */
  private readonly controlEnds = new Set<number>();

  constructor(
    private readonly leg: Leg,
    private readonly controlPort: number,
    private readonly probes: ProbeSightings,
  ) {}

  add(packet: CapturedPacket): void {
    const segment = bulkSegment(packet.data, this.controlPort);
    const bulk = segment && this.isStray(segment) ? null : segment;
    // A probe may look like bulk: a bare ACK does.
    if (bulk && !this.probes.expected && this.count(packet.at, bulk)) return;
    const headers = decodePacket(packet.data);
    if (!headers || (this.probes.expected && this.probes.take(packet.at, headers))) return;
    if (bulk && this.count(packet.at, bulk)) return;
    if (headers.flags === 'S' && headers.destinationPort === this.controlPort)
      this.controlEnds.add(flowKey(packet.data).source);
    if (!bulk && this.events.length < MAX_PACKET_EVENTS) {
      this.events.push(this.packetEvent(packet.at, headers));
      return;
    }
    const counted = bulk ?? { ...flowKey(packet.data), length: headers.length };
    if (!this.count(packet.at, counted)) this.beginFlow(packet.at, counted, headers);
  }

  finish(): RawEvent[] {
    const flows = [...this.flows.values()]
      .flatMap((bySource) => [...bySource.values()])
      .map(({ headers, from, until, times, packets, bytes }): RawEvent => {
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
          times,
        };
      });
    return [...this.events, ...flows, ...this.probes.finish()];
  }

  /**
   * Whether a segment with a payload is between the client's end of a control connection and a port that is not
   * the server's: a firewall that has forgotten the connection sends it on as another. (From the server's data
   * port it is data on the default data port.)
   */
  private isStray({ source, destination, length }: BulkSegment): boolean {
    if (length === 0 || this.controlEnds.size === 0) return false;
    const isOther = (end: number): boolean => end % 65_536 !== this.controlPort - 1;
    return (
      (this.controlEnds.has(destination) && isOther(source)) ||
      (this.controlEnds.has(source) && isOther(destination))
    );
  }

  private packetEvent(at: number, headers: PacketHeaders): RawEvent {
    const {
      source,
      sourcePort,
      destination,
      destinationPort,
      protocol,
      flags,
      sequence,
      identification,
      length,
    } = headers;
    const control =
      sourcePort === this.controlPort ||
      destinationPort === this.controlPort ||
      this.controlEnds.has((toNumber(destination) ?? 0) * 65_536 + destinationPort);
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
      identification,
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
    if (flow.times && flow.times.push(at) > MAX_TIMES) flow.times = null;
    return true;
  }

  private beginFlow(at: number, { source, destination, length }: BulkSegment, headers: PacketHeaders): void {
    // The payload points into a read buffer; a flow must not keep that alive.
    const kept = { ...headers, payload: Buffer.alloc(0) };
    const flow = { headers: kept, from: at, until: at, times: [at], packets: 1, bytes: length };
    const bySource = this.flows.get(source) ?? new Map<number, Flow>();
    this.flows.set(source, bySource.set(destination, flow));
  }
}
