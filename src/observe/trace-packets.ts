import type { RawEvent, TraceEvent, TracedHeaders, TraceFate, TraceStep } from './event';
import type { TraceLine } from './trace-lines';
import { TRACE_TABLE } from './trace-table';

/**
 * Which row of the ruleset a rule of the kernel's is.
 *
 * @param chain by the name that a listing knows it by, e.g. `ip office forward`
 * @param handle null: the chain's policy, or its end
 * @returns null where that is not known, and for rules that are no row
 */
export type RowOf = (chain: string, handle: number | null) => number | 'policy' | null;

/** Knows no row. */
export const noRow: RowOf = () => null;

/** Packets that are told of; more of them are only counted. */
const MAX_PACKETS = 20_000;
/** Rules that jump to and fro could make any number. */
const MAX_STEPS = 200;

/** A packet that is under way. */
interface Traced {
  /** its place among those that began */
  readonly order: number;
  readonly at: number;
  readonly packet: TracedHeaders;
  readonly steps: Omit<TraceStep, 'row'>[];
  /** the headers as they are told last */
  seen: TracedHeaders;
  /** the headers as they were in the last step */
  stepped: TracedHeaders;
  /** messages may be missing of it */
  torn: boolean;
}

type Unresolved = Omit<TraceEvent, 'id' | 'text' | 'steps' | 'captured'> & {
  steps: readonly Omit<TraceStep, 'row'>[];
};

/**
 * Makes one event of all that a trace says of a packet. A packet begins where the lab's own chains see it, for the
 * kernel's ids are used again, and is over with a drop, or when the next one of its id begins.
 */
export class TracePackets {
  /** packets past the number that is kept */
  untold = 0;
  private torn = false;
  private begun = 0;
  private readonly done: { readonly order: number; readonly told: Unresolved }[] = [];
  private readonly underWay = new Map<string, Traced>();

  /** @param at when the line was read, in epoch seconds by the hosts' clock */
  add({ id, family, table, chain, said }: TraceLine, at: number): void {
    const own = family === TRACE_TABLE.family && table === TRACE_TABLE.name;
    if (said.kind === 'packet') {
      const first = own && (chain === TRACE_TABLE.arrived || chain === TRACE_TABLE.made);
      const traced = first ? undefined : this.underWay.get(id);
      if (traced && samePacket(traced.seen, said.packet)) traced.seen = said.packet;
      else this.begin(id, said.packet, at, !first);
      return;
    }
    const traced = this.underWay.get(id);
    if (!traced) return;
    if (own) return;
    if (traced.steps.length >= MAX_STEPS) traced.torn = true;
    else {
      const packet = sameHeaders(traced.seen, traced.stepped) ? null : traced.seen;
      const handle = said.kind === 'rule' ? said.handle : null;
      traced.steps.push({ chain: `${family} ${table} ${chain}`, handle, verdict: said.verdict, packet });
      traced.stepped = traced.seen;
    }
    if (said.verdict === 'drop') this.end(id, traced, 'dropped');
    if (UNTOLD.has(said.verdict.split(' ')[0] ?? '')) this.end(id, traced, 'unknown');
  }

  /** Messages are missing from here on: nobody knows of which packets. */
  tear(): void {
    this.torn = true;
  }

  /** @param whole whether everything has been read that was told */
  finish(whole: boolean, rowOf: RowOf = noRow): RawEvent[] {
    if (!whole) this.tear();
    for (const [id, traced] of this.underWay) this.end(id, traced, this.undropped(traced));
    // What the firewall answers is over before what it answers to is.
    this.done.sort((a, b) => a.order - b.order);
    return this.done.map(({ told: packet }): RawEvent => {
      const steps = packet.steps.flatMap((step): TraceStep[] => {
        const row = rowOf(step.chain, step.handle);
        // Before its policy a chain has a counter of the lab's own.
        if (row === 'policy' && step.handle !== null) return [];
        return [{ ...step, row }];
      });
      return { ...packet, steps, captured: null, text: textOf({ ...packet, steps }) };
    });
  }

  private begin(id: string, packet: TracedHeaders, at: number, torn: boolean): void {
    const before = this.underWay.get(id);
    if (before) this.end(id, before, this.undropped(before));
    const order = this.begun++;
    if (order >= MAX_PACKETS) {
      this.untold += 1;
      return;
    }
    this.underWay.set(id, { order, at, packet, steps: [], seen: packet, stepped: packet, torn });
  }

  /** What became of a packet of which no more is told. */
  private undropped({ torn }: Traced): TraceFate {
    return torn || this.torn ? 'unknown' : 'passed';
  }

  private end(id: string, { order, at, packet, steps }: Traced, fate: TraceFate): void {
    this.underWay.delete(id);
    this.done.push({ order, told: { kind: 'trace', vantage: 'trace', at, packet, steps, fate } });
  }
}

/** Verdicts after which a packet is in the hands of something that does not tell. */
const UNTOLD = new Set(['queue', 'stolen']);

/** Whether two headers can be of one packet, whatever is translated on its way. */
function samePacket(a: TracedHeaders, b: TracedHeaders): boolean {
  return a.protocol === b.protocol && a.identification === b.identification && a.flags === b.flags;
}

function sameHeaders(a: TracedHeaders, b: TracedHeaders): boolean {
  return (
    a === b ||
    (a.source === b.source &&
      a.sourcePort === b.sourcePort &&
      a.destination === b.destination &&
      a.destinationPort === b.destinationPort &&
      a.in === b.in &&
      a.out === b.out &&
      a.flags === b.flags &&
      a.identification === b.identification &&
      a.totalLength === b.totalLength)
  );
}

function textOf({ packet, steps, fate }: Pick<TraceEvent, 'packet' | 'steps' | 'fate'>): string {
  const { source, sourcePort, destination, destinationPort, protocol, flags } = packet;
  const ends =
    protocol === 'icmp'
      ? `${source} → ${destination} ICMP type ${sourcePort} code ${destinationPort}`
      : `${source}:${sourcePort} → ${destination}:${destinationPort} ${protocol.toUpperCase()} ${flags}`.trimEnd();
  const way = steps.map(({ chain, handle, row, verdict }) => {
    const rule = typeof row === 'number' ? `row ${row} ` : handle === null ? '' : `#${handle} `;
    return `${chain.slice(chain.indexOf(' ') + 1)} ${rule}${verdict}`;
  });
  return `${ends}: ${[...way, fate].join('; ')}`;
}
