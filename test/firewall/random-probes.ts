import fc from 'fast-check';
import { stringify } from 'yaml';
import type { Packet } from './first-match-model';
import {
  addresses,
  FLAGS,
  HOSTS,
  INTERFACES,
  port,
  PROTOCOLS,
  type RandomFirewall,
} from './random-vocabulary';

/** A probe of a scenario: one packet from every source port to every port. */
export interface RandomProbe {
  readonly from: 'prober' | 'neighbour';
  readonly to: 'client' | 'neighbour' | 'server' | 'prober';
  readonly flags: keyof typeof PROBE_FLAGS;
  readonly sourcePorts: readonly number[];
  readonly ports: readonly number[];
}

const { FIN, SYN, RST, ACK } = FLAGS;
const PROBE_FLAGS = {
  SYN,
  ACK,
  'FIN+ACK': FIN | ACK,
  'SYN+FIN': SYN | FIN,
  'SYN+ACK': SYN | ACK,
  RST,
  FIN,
} as const;

const WAYS = [
  { from: 'prober', to: 'client' },
  { from: 'prober', to: 'neighbour' },
  { from: 'neighbour', to: 'prober' },
  { from: 'neighbour', to: 'server' },
] as const;

/** Six probes, of them two at least in each direction. */
export const randomProbes: fc.Arbitrary<readonly RandomProbe[]> = fc.tuple(
  ...[WAYS, WAYS, WAYS.slice(0, 2), WAYS.slice(0, 2), WAYS.slice(2), WAYS.slice(2)].map((ways) =>
    fc
      .record({
        way: fc.constantFrom(...ways),
        // What opens a connection is what half of the rules are about.
        flags: fc.constantFrom(
          'SYN',
          'SYN',
          'SYN+FIN',
          ...(Object.keys(PROBE_FLAGS) as RandomProbe['flags'][]),
        ),
        sourcePorts: fc.uniqueArray(port, { minLength: 3, maxLength: 4, size: 'max' }),
        ports: fc.uniqueArray(port, { minLength: 10, maxLength: 12, size: 'max' }),
      })
      .map(({ way, ...probe }) => ({ ...way, ...probe })),
  ),
);

/** The name of a session's probe, by its place. */
export function probeName(index: number): string {
  return `probe-${index + 1}`;
}

/** The packets of a probe, in the order they are sent. */
export function packetsOf({ from, to, flags, sourcePorts, ports }: RandomProbe): Packet[] {
  const inside = from === 'neighbour';
  return sourcePorts.flatMap((sourcePort) =>
    ports.map((destinationPort) => ({
      in: inside ? INTERFACES.inside : INTERFACES.outside,
      out: inside ? INTERFACES.outside : INTERFACES.inside,
      protocol: PROTOCOLS.tcp,
      source: addresses(HOSTS[from])[0],
      destination: addresses(HOSTS[to])[0],
      sourcePort,
      destinationPort,
      flags: PROBE_FLAGS[flags],
    })),
  );
}

/**
 * What a host on which nothing listens answers: a reset, with an ACK unless the packet had one; to a reset,
 * nothing (RFC 9293 §3.5.2, group 1).
 */
export function replyTo(packet: Packet): Packet | null {
  if ((packet.flags & RST) !== 0) return null;
  return {
    ...packet,
    in: packet.out,
    out: packet.in,
    source: packet.destination,
    destination: packet.source,
    sourcePort: packet.destinationPort,
    destinationPort: packet.sourcePort,
    flags: (packet.flags & ACK) === 0 ? RST | ACK : RST,
  };
}

/** A scenario file that sends the probes through the firewall. Whether its expectation holds does not matter. */
export function scenarioText(
  { kind, policy, rules }: RandomFirewall,
  probes: readonly RandomProbe[],
): string {
  const scenario = {
    title: 'Random rules',
    claim: 'The loaded rules decide as first match says.',
    behind: 'client',
    firewall: { kind, nat: 'none', policy, rules },
    server: 'ftp-srv',
    client: 'basic-ftp',
    session: probes.map(({ from, to, flags, sourcePorts, ports }, index) => ({
      probe: {
        name: probeName(index),
        from,
        to,
        flags,
        'source-ports': sourcePorts,
        ports: ports.join(', '),
      },
    })),
    expect: probes.map((_, index) => `${probeName(index)} arrives somewhere`),
  };
  // Rules stay one a line, so that what the lab says of a line is true of it.
  return stringify(scenario, { lineWidth: 0 });
}

/** A packet in words, e.g. for a counterexample: `SYN 203.0.113.66:20 → 198.51.100.10:1025`. */
export function packetText({ source, destination, sourcePort, destinationPort, flags }: Packet): string {
  const address = (number: number): string =>
    [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
  const names = Object.entries(FLAGS).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]));
  return `${names.join('+')} ${address(source)}:${sourcePort} → ${address(destination)}:${destinationPort}`;
}
