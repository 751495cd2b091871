import { isLinux22, speaksFtp, type Plan } from '../plan/plan';

/** The lab's own table on the firewall, and its chains: where a packet comes in, and where the firewall makes it. */
export const TRACE_TABLE = {
  family: 'inet',
  name: 'lab_trace',
  arrived: 'arrived',
  made: 'made',
} as const;

/** Where marks go, `127.9.x.y`: nothing listens there, and they are dropped before anything else sees them. */
export const MARKS = '127.9.';

/** The address of a mark, by its number from 0 to 65535. */
export function markAddress(n: number): string {
  return `${MARKS}${n >> 8}.${n & 255}`;
}

/**
 * The table that has the kernel trace packets: those of control connections that say something, those that open, close
 * or reset any connection, and ICMP; no bulk data, and nothing of a host that probes: a scan of all ports is half a
 * million packets, which the rules' counters tell as well. Its chains come before connection tracking (-200) and
 * before whatever else has the priority of the kernel's own reassembly (-400).
 */
export function traceTable(plan: Pick<Plan, 'server' | 'client' | 'probes' | 'hosts'>): string {
  const { server, client, probes, hosts } = plan;
  const probing = [...new Set(probes.map(({ from }) => from))]
    .flatMap((host) => hosts[host]?.interfaces ?? [])
    .map(({ address }) => address)
    .join(', ');
  const rules = [
    // Nearly all packets of a long transfer: they cost one comparison.
    'tcp flags == ack accept',
    ...(probing === '' ? [] : [`ip saddr { ${probing} } accept`, `ip daddr { ${probing} } accept`]),
    'tcp flags & (syn | fin | rst) != 0 meta nftrace set 1 accept',
    // Each by itself: a set of one port costs more than a comparison.
    ...[...new Set([server.port, client.server.port])].flatMap((port) => [
      `tcp sport ${port} meta nftrace set 1 accept`,
      `tcp dport ${port} meta nftrace set 1 accept`,
    ]),
    'meta l4proto icmp meta nftrace set 1',
  ];
  return [
    // It fails where there is one of that name: that would be somebody else's.
    `create table ${TRACE_TABLE.family} ${TRACE_TABLE.name}`,
    `table ${TRACE_TABLE.family} ${TRACE_TABLE.name} {`,
    ...chain(TRACE_TABLE.arrived, 'prerouting', rules),
    ...chain(TRACE_TABLE.made, 'output', [
      `oifname "lo" ip daddr ${MARKS}0.0/16 udp dport 9 meta nftrace set 1 drop`,
      ...rules,
    ]),
    '}',
    '',
  ].join('\n');
}

function chain(name: string, hook: string, rules: readonly string[]): string[] {
  return [`chain ${name} {`, `type filter hook ${hook} priority -400; policy accept;`, ...rules, '}'];
}

/** Whether packets can be traced: by the host's own kernel, and if not all of them are probes. */
export function isTraced(plan: Plan): boolean {
  return !isLinux22(plan) && speaksFtp(plan);
}
