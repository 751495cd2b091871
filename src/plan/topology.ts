import { timeoutSysctls } from '../firewall/conntrack';
import { ADDED_HOSTS, SECOND_ADDRESS, type Scenario } from '../scenario';
import { SYSTEM_KEEP_ALIVE } from './stated-times';
import {
  isLinux22,
  type AddedHost,
  type Bridge,
  type HostName,
  type HostPlan,
  type Link,
  type PerHost,
  type Plan,
} from './plan';

/** The FAQ is about IPv4, and neighbour discovery would only clutter the captures. */
const NO_IPV6 = { 'net/ipv6/conf/all/disable_ipv6': '1', 'net/ipv6/conf/default/disable_ipv6': '1' };
/** Where a router of the lab's own is the firewall, the kernel has no opinion on where packets come from or go. */
const OUT_OF_THE_WAY = {
  'net/ipv4/ip_forward': '0',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/all/send_redirects': '0',
};
/** The other end offers none, either, to one that does not (RFC 7323 §3.2). */
const NO_TIMESTAMPS = { 'net/ipv4/tcp_timestamps': '0' };
/** A bridge hands its frames to its own IP layer only; where the module is loaded this must be said. */
const BRIDGE_IS_NO_FILTER = { 'net/bridge/bridge-nf-call-iptables': '0' };

/**
 * Who stands where, with addresses and routes, and how they are wired.
 *
 * @param timeScale of the plan; the scenario's times are the run's already
 */
export function topology(scenario: Scenario, timeScale: number): Pick<Plan, 'hosts' | 'links' | 'bridges'> {
  const { behind, networks } = scenario;
  const far = behind === 'client' ? 'server' : 'client';
  const added = addedHosts(scenario);
  const sides = {
    inside: [behind, ...added.filter((host) => isInside(host))],
    outside: [far, ...added.filter((host) => !isInside(host))],
  } as const;
  const wired = (['inside', 'outside'] as const).map((leg) => wireLeg(leg, sides[leg]));
  const addressOf = (host: Exclude<HostName, 'firewall'>): string =>
    host === 'client' || host === 'server' ? scenario[host].address : addedAddress(networks, host);
  const end = (host: Exclude<HostName, 'firewall'>): HostPlan => {
    const made = endHost(scenario, addressOf(host), sides.inside.includes(host), timeScale);
    return host !== 'client' || scenario.client.timestamps
      ? made
      : { ...made, sysctls: { ...made.sysctls, ...NO_TIMESTAMPS } };
  };
  const hosts: PerHost<HostPlan> = {
    client: end('client'),
    firewall: firewallHost(
      scenario,
      wired.some(({ bridges }) => bridges.length > 0),
    ),
    server: end('server'),
    ...Object.fromEntries(added.map((host) => [host, end(host)])),
  };
  return {
    hosts,
    links: wired.flatMap(({ links }) => links),
    bridges: wired.flatMap(({ bridges }) => bridges),
  };
}

/** The address of a host that the scenario added. */
export function addedAddress(networks: Scenario['networks'], host: AddedHost): string {
  return `${isInside(host) ? networks.inside : networks.outside}.${ADDED_HOSTS[host]}`;
}

function isInside(host: AddedHost): boolean {
  return host === 'neighbour';
}

/** Hosts exist because something names them. */
function addedHosts({ session, server }: Scenario): AddedHost[] {
  const probed = session.flatMap((step) => (step.kind === 'probe' ? [step.from, step.to] : []));
  return (Object.keys(ADDED_HOSTS) as AddedHost[]).filter((host) =>
    host === 'resolver' ? server.name !== null : probed.includes(host),
  );
}

/** One host is wired to the firewall's interface; several to a switch that is that interface. */
function wireLeg(
  leg: 'inside' | 'outside',
  hosts: readonly HostName[],
): { links: Link[]; bridges: Bridge[] } {
  const several = hosts.length > 1;
  const ends = hosts.map((host, index) => ({ host, end: several ? `${leg}${index + 1}` : leg }));
  return {
    links: ends.map(({ host, end }) => ({
      a: { host: 'firewall', interface: end },
      b: { host, interface: 'eth0' },
    })),
    bridges: several ? [{ name: leg, ports: ends.map(({ end }) => end) }] : [],
  };
}

function endHost(
  { networks, firewall }: Scenario,
  address: string,
  inside: boolean,
  timeScale: number,
): HostPlan {
  const far = inside ? networks.outside : networks.inside;
  const gateway = `${inside ? networks.inside : networks.outside}.1`;
  // Under NAT an outside host has no route to the inside: a packet that gets there was translated.
  const routed = inside || firewall.nat === 'none';
  return {
    interfaces: [{ name: 'eth0', address }],
    routes: routed ? [{ network: `${far}.0/24`, via: gateway }] : [],
    // Programs that ask for TCP keep-alive and say no more get the system's, which is a time like others.
    sysctls:
      timeScale === 1
        ? NO_IPV6
        : {
            ...NO_IPV6,
            'net/ipv4/tcp_keepalive_time': String(Math.max(1, Math.round(SYSTEM_KEEP_ALIVE / timeScale))),
          },
  };
}

function firewallHost({ networks, firewall }: Scenario, bridged: boolean): HostPlan {
  const { timeouts, loose, liberal } = firewall;
  return {
    interfaces: [
      { name: 'inside', address: `${networks.inside}.1` },
      { name: 'outside', address: `${networks.outside}.1` },
      ...(firewall.secondAddress
        ? [{ name: 'outside', address: `${networks.outside}.${SECOND_ADDRESS}` }]
        : []),
    ],
    routes: [],
    sysctls: {
      ...NO_IPV6,
      ...(bridged ? BRIDGE_IS_NO_FILTER : {}),
      // A router of the lab's own forwards what ipchains lets through; the kernel is to keep out of it.
      ...(isLinux22({ firewall }) ? OUT_OF_THE_WAY : { 'net/ipv4/ip_forward': '1' }),
      ...timeoutSysctls(timeouts),
      ...(loose === null ? {} : { 'net/netfilter/nf_conntrack_tcp_loose': loose ? '1' : '0' }),
      ...(liberal === null ? {} : { 'net/netfilter/nf_conntrack_tcp_be_liberal': liberal ? '1' : '0' }),
    },
  };
}
