import type { FileSpec } from '../agent/messages';
import { nftRuleset } from '../firewall/nftables';
import type { Scenario } from '../scenario';
import type { EngineName, HostName, HostPlan, Link, Plan, PlannedTransfer } from './plan';

/** Above this many bytes a session's captures keep packet heads only, or they would outgrow memory. */
const FULL_CAPTURE_BYTES = 16 * 2 ** 20;
const WHOLE_PACKET = 65_535;
/** Ethernet, IP and TCP headers with options, and the longest PORT or 227 line. */
const PACKET_HEAD = 192;

/** What the command line may change about a plan. */
export interface PlanOptions {
  readonly capture: boolean;
  readonly engine: EngineName;
  readonly engineWhy?: string | null;
}

/** Makes a scenario concrete: addresses, routes, ruleset text, programs, files. */
export function makePlan(scenario: Scenario, options: PlanOptions): Plan {
  const { behind, networks, firewall, patience } = scenario;
  const inside = `${networks.inside}.1`;
  const outside = `${networks.outside}.1`;
  const nat = firewall.nat !== 'none';
  const transfers = scenario.session.map((step, index): PlannedTransfer => {
    const file: FileSpec | null =
      step.direction === 'list'
        ? null
        : {
            name: `file-${index + 1}.bin`,
            seed: `${scenario.name}/${index + 1}`,
            size: step.size,
            lasting: step.lasting,
          };
    return { name: step.name, mode: step.mode, direction: step.direction, command: step.command, file };
  });
  const volume = scenario.session.reduce((sum, step) => sum + step.size, 0);
  const bulk = volume > FULL_CAPTURE_BYTES;
  // With the server behind NAT a client can only dial the firewall's outside address.
  const dialled = nat && behind === 'server' ? outside : scenario.server.address;
  return deepFreeze({
    scenario: {
      name: scenario.name,
      file: scenario.file,
      title: scenario.title,
      claim: scenario.claim,
      behind,
      twin: scenario.twin,
    },
    engine: options.engine,
    engineWhy: options.engineWhy ?? null,
    timeScale: 1,
    hosts: hosts(scenario, { inside, outside }),
    links: links(behind),
    firewall: {
      kind: firewall.kind,
      nat: firewall.nat,
      policy: firewall.policy,
      helperPorts: firewall.helperPorts,
      rows: firewall.rows,
      ruleset: nftRuleset({
        ...firewall,
        insideHost: behind === 'client' ? scenario.client.address : scenario.server.address,
        names: {
          inside_net: `${networks.inside}.0/24`,
          outside_net: `${networks.outside}.0/24`,
          client: scenario.client.address,
          server: scenario.server.address,
          firewall_inside: inside,
          firewall_outside: outside,
        },
      }),
      addresses: { inside, outside },
    },
    server: {
      program: scenario.server.program,
      address: scenario.server.address,
      port: scenario.server.port,
      passivePorts: scenario.server.passivePorts,
      patience,
      files: transfers.flatMap((transfer) => (transfer.file ? [transfer.file] : [])),
    },
    client: {
      program: scenario.client.program,
      address: scenario.client.address,
      server: { address: dialled, port: scenario.server.port },
      patience,
    },
    transfers,
    capture: {
      enabled: options.capture,
      bufferKib: captureBuffer(volume),
      snapLength: bulk ? PACKET_HEAD : WHOLE_PACKET,
    },
    expect: scenario.expect,
    claims: scenario.claims,
  });
}

/**
 * KiB of kernel buffer a capture needs. A frame of 1,448 bytes takes 2 KiB there, and acknowledgements
 * take as much, so four times the volume holds a whole small session: nothing is lost however long
 * tcpdump is kept waiting. Of a large one only packet heads are kept, which take an eighth.
 */
function captureBuffer(volume: number): number {
  return Math.min(8192, Math.max(2048, Math.ceil((volume * 4) / 1024)));
}

function links(behind: 'client' | 'server'): Link[] {
  const far = behind === 'client' ? 'server' : 'client';
  return [
    { a: { host: 'firewall', interface: 'inside' }, b: { host: behind, interface: 'eth0' } },
    { a: { host: 'firewall', interface: 'outside' }, b: { host: far, interface: 'eth0' } },
  ];
}

function hosts(scenario: Scenario, gateway: { inside: string; outside: string }): Record<HostName, HostPlan> {
  const { behind, networks, firewall } = scenario;
  const end = (side: 'client' | 'server'): HostPlan => {
    const isInside = side === behind;
    // Under NAT the outside host has no route to the inside: a packet that gets there was translated.
    const routed = isInside || firewall.nat === 'none';
    return {
      interfaces: [{ name: 'eth0', address: scenario[side].address }],
      routes: routed
        ? [
            {
              network: `${isInside ? networks.outside : networks.inside}.0/24`,
              via: isInside ? gateway.inside : gateway.outside,
            },
          ]
        : [],
      sysctls: NO_IPV6,
    };
  };
  const timeouts = Object.entries(firewall.timeouts).map(([state, seconds]): [string, string] => [
    `net/netfilter/nf_conntrack_tcp_timeout_${state.replace('-', '_')}`,
    String(seconds),
  ]);
  return {
    client: end('client'),
    firewall: {
      interfaces: [
        { name: 'inside', address: gateway.inside },
        { name: 'outside', address: gateway.outside },
      ],
      routes: [],
      sysctls: { ...NO_IPV6, 'net/ipv4/ip_forward': '1', ...Object.fromEntries(timeouts) },
    },
    server: end('server'),
  };
}

/** The FAQ is about IPv4, and neighbour discovery would only clutter the captures. */
const NO_IPV6 = { 'net/ipv6/conf/all/disable_ipv6': '1', 'net/ipv6/conf/default/disable_ipv6': '1' };

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
