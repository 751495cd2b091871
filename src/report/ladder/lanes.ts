import type { LabEvent, Leg } from '../../observe/event';
import type { AddedHost } from '../../plan/plan';
import { cut } from '../escape';
import type { ReportRun } from '../for-report';
import type { Lane, LaneName } from './types';

export const FIREWALL: Readonly<Record<Leg, LaneName>> = {
  inside: 'firewall inside',
  outside: 'firewall outside',
};

/** Who stands where on the wire. */
export interface Wire {
  /** from the inside end to the outside one */
  readonly lanes: readonly Lane[];
  /** the hosts of a leg, the nearest to the firewall first */
  readonly hosts: Readonly<Record<Leg, readonly LaneName[]>>;
  /** the host that has an address on a leg; whatever else is there comes from or goes to the firewall */
  readonly laneOf: (address: string, leg: Leg) => LaneName;
  readonly legOf: (host: LaneName) => Leg;
  readonly addressOf: (host: LaneName) => string;
}

/** The lanes of a run, in the order of the wire. Hosts a scenario added have one if they took part. */
export function wireOf({ topology, events }: ReportRun): Wire {
  const { hosts, behind } = topology;
  const far = behind === 'client' ? 'server' : 'client';
  const addresses = new Map<LaneName, string>();
  for (const name of ['client', 'server', 'neighbour', 'prober', 'resolver'] as const) {
    const address = hosts[name]?.interfaces[0]?.address;
    if (address !== undefined) addresses.set(name, address);
  }
  const tookPart = (name: AddedHost): boolean => {
    const address = addresses.get(name);
    return address !== undefined && events.some((event) => isOf(event, name, address));
  };
  const added = (['prober', 'resolver'] as const).filter(tookPart);
  const byLeg: Record<Leg, readonly LaneName[]> = {
    inside: [behind, ...(['neighbour'] as const).filter(tookPart)],
    outside: [far, ...added],
  };
  const onLeg = (leg: Leg) => new Map(byLeg[leg].map((name) => [addresses.get(name) ?? '', name] as const));
  const known = { inside: onLeg('inside'), outside: onLeg('outside') };
  const host = (name: LaneName): Lane => ({
    name,
    detail: name === 'client' || name === 'server' ? cut(topology[name], 24) : '',
    address: cut(addresses.get(name) ?? '', 21),
  });
  const side = (leg: Leg, index: number): Lane => ({
    name: FIREWALL[leg],
    detail: leg,
    address: cut(hosts.firewall.interfaces[index]?.address ?? '', 21),
  });
  return {
    lanes: [
      ...[...byLeg.inside].reverse().map(host),
      side('inside', 0),
      side('outside', 1),
      ...byLeg.outside.map(host),
    ],
    hosts: byLeg,
    laneOf: (address, leg) => known[leg].get(address) ?? FIREWALL[leg],
    legOf: (name) => (byLeg.inside.includes(name) || name === FIREWALL.inside ? 'inside' : 'outside'),
    addressOf: (name) => addresses.get(name) ?? '',
  };
}

function isOf(event: LabEvent, name: AddedHost, address: string): boolean {
  if (event.vantage === name) return true;
  return event.kind === 'packet' && (event.source === address || event.destination === address);
}
