import { maskOf, printAddress, readAddress } from '../linux22/addresses';
import type { ToolResult } from '../linux22';
import type { RouterSide } from './messages';

const LOOPBACK: RouterSide = { interface: 'lo', address: '127.0.0.1', prefix: 8, mtu: 3924 };

/**
 * What ifconfig of the time says of the firewall's interfaces (net-tools 1.5x): scripts take their own address from
 * the words "inet addr". It sets nothing: the lab has.
 */
export function ifconfig(sides: readonly RouterSide[], args: readonly string[]): ToolResult {
  const all = [...sides, LOOPBACK];
  const [name, ...settings] = args.filter((word) => word !== '-a');
  // An interface that is up may be set up again.
  const changes = settings.filter((word) => word !== 'up');
  if (changes.length > 0)
    return {
      output: `ifconfig: "${changes.join(' ')}" is not done here: the lab has set up what there is\n`,
      code: 1,
    };
  const shown = all.filter((side) => name === undefined || side.interface === name);
  if (shown.length === 0) {
    const known = all.map((side) => side.interface).join(', ');
    return {
      output: `${name ?? ''}: error fetching interface information: Device not found; there are: ${known}\n`,
      code: 1,
    };
  }
  return { output: settings.length > 0 ? '' : shown.map((side) => `${describe(side)}\n`).join(''), code: 0 };
}

function describe({ interface: name, address, prefix, mtu }: RouterSide): string {
  const mask = maskOf(prefix);
  const broadcast = printAddress((readAddress(address) | ~mask) >>> 0);
  const isLoopback = name === LOOPBACK.interface;
  const link = isLoopback ? 'Local Loopback' : 'Ethernet';
  const flags = isLoopback ? 'UP LOOPBACK RUNNING' : 'UP BROADCAST RUNNING MULTICAST';
  return [
    `${name.padEnd(9)} Link encap:${link}`,
    `          inet addr:${address}${isLoopback ? '' : `  Bcast:${broadcast}`}  Mask:${printAddress(mask)}`,
    `          ${flags}  MTU:${mtu}  Metric:1`,
    '',
  ].join('\n');
}
