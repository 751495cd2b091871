import type { PacketEvent, Tuple } from '../../observe/event';
import type { Printable, ReportRun } from '../for-report';
import type { Channel } from './types';

type Ends = Tuple;

/**
 * Connections across translation: on each leg one is known by other addresses. Names of one connection
 * are joined as evidence shows that they belong together (a packet seen on both legs, a conntrack entry).
 */
export class Connections {
  private readonly parents = new Map<string, string>();
  private readonly numbers = new Map<string, number>();

  join(a: Ends, b: Ends): void {
    const [one, other] = [this.find(nameOf(a)), this.find(nameOf(b))];
    if (one !== other) this.parents.set(other, one);
  }

  /** The same text for all names of a connection, once all are joined. */
  rootOf(ends: Ends): string {
    return this.find(nameOf(ends));
  }

  /** Numbers connections in the order they are asked for, from 1. */
  numberOf(ends: Ends): number {
    const root = this.rootOf(ends);
    const number = this.numbers.get(root) ?? this.numbers.size + 1;
    this.numbers.set(root, number);
    return number;
  }

  private find(name: string): string {
    let root = name;
    for (let next = this.parents.get(root); next !== undefined; next = this.parents.get(root)) root = next;
    // A shorter way for the next time.
    if (root !== name) this.parents.set(name, root);
    return root;
  }
}

/** The same for both directions. */
function nameOf({ source, sourcePort, destination, destinationPort }: Ends): string {
  const [a, b] = [`${source}:${sourcePort}`, `${destination}:${destinationPort}`];
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

/** The ports control connections go to: as the client told, else as its first SYN shows. */
export function controlPorts({ events, topology }: ReportRun): ReadonlySet<number> {
  const told = events
    .filter((event) => event.kind === 'control' || event.kind === 'ftp-line')
    .filter(({ vantage }) => vantage === 'client')
    .map(({ peer }) => Number(/:(\d+)$/.exec(peer)?.[1] ?? 0))
    .filter((port) => port > 0);
  if (told.length > 0) return new Set(told);
  const address = topology.hosts.client.interfaces[0]?.address;
  const resolver = topology.hosts.resolver?.interfaces[0]?.address;
  const first = events.find(
    (event): event is Printable<PacketEvent> =>
      event.kind === 'packet' &&
      event.flags === 'S' &&
      event.source === address &&
      event.destination !== resolver,
  );
  return new Set([first?.destinationPort ?? 21]);
}

/** What a TCP connection, or a packet without one, is for. */
export function channelOf(
  run: ReportRun,
  control: ReadonlySet<number>,
): (ends: Ends, protocol: string) => Channel {
  const resolver = run.topology.hosts.resolver?.interfaces[0]?.address;
  return ({ source, sourcePort, destination, destinationPort }, protocol) => {
    if (protocol !== 'tcp' || source === resolver || destination === resolver) return 'other';
    return control.has(sourcePort) || control.has(destinationPort) ? 'control' : 'data';
  };
}
