import { toNumber } from '../firewall/quantities';

/** An IPv4 address as text. */
export function printAddress(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** @throws an Error that says what is allowed */
export function readAddress(text: string): number {
  const address = toNumber(text);
  if (address === null) throw new Error(`"${text}" is no IPv4 address; allowed: one such as 203.0.113.5`);
  return address;
}

/** The mask of a prefix length, 0 to 32. */
export function maskOf(prefix: number): number {
  return prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
}

/** Multicast, broadcast to all, this network and loopback: nothing a router passes on (route.c, ip_route_input_slow). */
export function isMartian(address: number): boolean {
  const first = address >>> 24;
  return first >= 224 || first === 0 || first === 127;
}
