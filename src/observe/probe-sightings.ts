import { rangesText, toRanges } from '../agent/port-ranges';
import { PROBE_WINDOW, type ProbeMark } from '../agent/probe-mark';
import type { Plan } from '../plan/plan';
import type { Leg, RawEvent } from './event';
import type { PacketHeaders } from './packet';

interface Sighting {
  readonly at: number;
  readonly headers: PacketHeaders;
  readonly mark: ProbeMark | null;
  readonly ports: Set<number>;
  packets: number;
}

/**
 * Sums up probes and the replies to them, one event for each source port: a scan of all ports is half a
 * million packets, and each is like its neighbour.
 */
export class ProbeSightings {
  private readonly seen = new Map<string, Sighting>();
  private readonly names: ReadonlyMap<number, string>;
  private readonly addresses: ReadonlySet<string>;

  constructor(
    private readonly leg: Leg,
    { probes, hosts }: Pick<Plan, 'probes' | 'hosts'>,
  ) {
    this.names = new Map(probes.map(({ mark, name }) => [mark, name]));
    const origins = new Set(probes.map(({ from }) => from));
    this.addresses = new Set(
      [...origins].flatMap((host) => hosts[host]?.interfaces.map(({ address }) => address) ?? []),
    );
  }

  /** Whether there is anything to look for. */
  get expected(): boolean {
    return this.names.size > 0;
  }

  /** Takes a packet that is a probe, or an answer to one; false when it is neither. */
  take(at: number, headers: PacketHeaders): boolean {
    if (headers.protocol !== 'tcp' || headers.length > 0) return false;
    const mark = markOf(headers);
    if (mark && this.names.has(mark.mark)) {
      this.add(`${mark.mark} ${mark.sourcePort} ${headers.flags}`, at, headers, mark, mark.port);
      return true;
    }
    const { source, destination, destinationPort, sourcePort, flags } = headers;
    // Probing hosts do nothing else over TCP.
    if (!this.addresses.has(source) && !this.addresses.has(destination)) return false;
    this.add(`${source} ${destination} ${destinationPort} ${flags}`, at, headers, null, sourcePort);
    return true;
  }

  finish(): RawEvent[] {
    return [...this.seen.values()].map((sighting) => {
      const { at, headers, mark, packets } = sighting;
      const ports = toRanges(sighting.ports);
      const { source, destination, destinationPort, flags } = headers;
      const common = { at, vantage: `firewall ${this.leg}` as const, leg: this.leg, flags, ports, packets };
      if (mark) {
        const probe = this.names.get(mark.mark) ?? '';
        const text = `${probe}: ${flags} ${source}:${headers.sourcePort} → ${destination} ports ${rangesText(ports)}`;
        return { ...common, kind: 'probe', text, probe, sourcePort: mark.sourcePort };
      }
      const text = `${flags} ${source} ports ${rangesText(ports)} → ${destination}:${destinationPort}`;
      return { ...common, kind: 'probe-reply', text, source, destination, destinationPort };
    });
  }

  private add(key: string, at: number, headers: PacketHeaders, mark: ProbeMark | null, port: number): void {
    const sighting = this.seen.get(key);
    if (sighting) {
      sighting.ports.add(port);
      sighting.packets += 1;
      return;
    }
    this.seen.set(key, {
      at,
      // The payload points into a read buffer; a sighting must not keep that alive.
      headers: { ...headers, payload: Buffer.alloc(0) },
      mark,
      ports: new Set([port]),
      packets: 1,
    });
  }
}

function markOf({ window, identification, sequence }: PacketHeaders): ProbeMark | null {
  if (window !== PROBE_WINDOW) return null;
  return { mark: identification, sourcePort: Math.floor(sequence / 65_536), port: sequence % 65_536 };
}
