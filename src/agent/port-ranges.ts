import type { PortRange } from '../firewall/kinds';

/** Ports as ranges, in ascending order. */
export function toRanges(ports: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const port of [...ports].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && port <= last[1] + 1) last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges;
}

/** Ranges as people write them: "20, 1025-5999"; "none" when there are none. */
export function rangesText(ranges: readonly PortRange[]): string {
  if (ranges.length === 0) return 'none';
  return ranges.map(([low, high]) => (low === high ? String(low) : `${low}-${high}`)).join(', ');
}

/** Whether a port is in one of some ranges. */
export function inRanges(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(([low, high]) => port >= low && port <= high);
}

/** How many ports are in some ranges. */
export function countPorts(ranges: readonly PortRange[]): number {
  return ranges.reduce((sum, [low, high]) => sum + high - low + 1, 0);
}

/** Every port of a range. */
export function portsOf([low, high]: PortRange): number[] {
  return Array.from({ length: high - low + 1 }, (_, index) => low + index);
}

/** How many packets probes are: one from each source port to each port. */
export function countPackets(
  probes: readonly { readonly sourcePorts: readonly number[]; readonly ports: readonly PortRange[] }[],
): number {
  return probes.reduce((sum, { sourcePorts, ports }) => sum + sourcePorts.length * countPorts(ports), 0);
}
