import { cut } from './escape';
import type { ReportRun } from './for-report';

/** A saved result may hold anything in place of an address. */
const MAX_WORD = 40;

/**
 * Draws the three hosts in a row, with addresses and what the firewall does.
 *
 * @returns lines of equal meaning at any width; about 74 columns
 */
export function drawTopology(topology: ReportRun['topology']): string[] {
  const { hosts, behind } = topology;
  const far = behind === 'client' ? 'server' : 'client';
  const address = (host: 'client' | 'firewall' | 'server', index: number): string =>
    cut(hosts[host].interfaces[index]?.address ?? '?', MAX_WORD);
  const left = [behind, cut(topology[behind], MAX_WORD), address(behind, 0)];
  const right = [far, cut(topology[far], MAX_WORD), address(far, 0)];
  const firewall = [
    'firewall',
    cut(
      `${topology.kind}, ${topology.nat === 'none' ? 'no NAT' : 'masquerading'}, policy ${topology.policy}`,
      3 * MAX_WORD,
    ),
    helperLine(topology.helper),
  ];
  const legs = [address('firewall', 0), address('firewall', 1)];
  const wide = Math.max(
    ...firewall.map((line) => line.length),
    (legs[0] ?? '').length + (legs[1] ?? '').length + 3,
  );
  const between = `${legs[0] ?? ''}${' '.repeat(wide - (legs[0] ?? '').length - (legs[1] ?? '').length)}${legs[1] ?? ''}`;
  const middle = box([...firewall, between], wide);
  const sides = [left, right].map((lines) =>
    box([...lines, ''], Math.max(...lines.map((line) => line.length))),
  );
  const wires = ['inside', 'outside'].map((leg) =>
    [0, 1, 2, 3, 4, 5].map((row) => (row === 1 ? ` ${leg} `.padEnd(9) : (row === 2 ? '─' : ' ').repeat(9))),
  );
  return [0, 1, 2, 3, 4, 5]
    .map((row) =>
      `${sides[0]?.[row] ?? ''}${wires[0]?.[row] ?? ''}${middle[row] ?? ''}${wires[1]?.[row] ?? ''}${sides[1]?.[row] ?? ''}`.trimEnd(),
    )
    .concat(addedHosts(topology));
}

/** Hosts that only some scenarios have stand beside the drawing: a line each. */
function addedHosts({ hosts }: ReportRun['topology']): string[] {
  return (['neighbour', 'prober', 'resolver'] as const).flatMap((name) => {
    const address = hosts[name]?.interfaces[0]?.address;
    const side = name === 'neighbour' ? 'inside' : 'outside';
    return address === undefined ? [] : [`  and ${side}: ${name} ${cut(address, MAX_WORD)}`];
  });
}

/** How the FTP helper comes to its connections, in a few words. */
export function helperLine({
  ports,
  openedBy,
  attach,
  inPorts = [],
}: ReportRun['topology']['helper']): string {
  if (ports.length === 0) return 'no FTP helper';
  if (attach === 'module') return 'FTP helper loaded, no rule';
  const inbound = inPorts.length > 0 ? `, inbound to ${inPorts.join(', ')}` : '';
  return `FTP helper on port ${ports.join(', ')}${openedBy === 'inside' ? ', outbound' : ''}${inbound}`;
}

function box(lines: readonly string[], width: number): string[] {
  return [
    `┌${'─'.repeat(width + 2)}┐`,
    ...lines.map((line) => `│ ${line.padEnd(width)} │`),
    `└${'─'.repeat(width + 2)}┘`,
  ];
}
