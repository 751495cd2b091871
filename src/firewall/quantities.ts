import type { PortRange } from './kinds';

/**
 * Reads a port or a range of ports, as all dialects check them.
 *
 * @param separator between the ends: ":" in ipchains and iptables, "-" in the FAQ's table and in nft
 * @param ends what an end left out stands for (ipchains and iptables: 0 and 65535); null: none may be
 *
 * @throws an Error that says what is allowed. RFC 6335 §6: port 0 is reserved, and no packet of ours has it.
 */
export function parsePorts(text: string, separator: ':' | '-', ends: PortRange | null = null): PortRange {
  const allowed = `allowed: a number from 1 to 65535, or a range such as 1025${separator}65535`;
  const parts = text.split(separator);
  const [first = '', last = first] = parts;
  if (parts.length > 2 || (first === '' && last === '')) throw new Error(`"${text}" is no port; ${allowed}`);
  const number = (part: string, missing: number | undefined): number => {
    if (part === '' && missing !== undefined) return missing;
    if (!/^\d+$/.test(part)) throw new Error(`"${part}" is no port number; ${allowed}`);
    const port = Number(part);
    if (port < 1 || port > 65535) throw new Error(`port ${part} is out of range; ${allowed}`);
    return port;
  };
  const low = number(first, ends?.[0]);
  const high = number(last, ends?.[1]);
  if (low > high) {
    throw new Error(
      `port range ${low}${separator}${high} is upside down; did you mean ${high}${separator}${low}?`,
    );
  }
  return [low, high];
}

/** An IPv4 network: address and prefix length, e.g. 10.0.0.0/24. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
}

/**
 * Reads an IPv4 address, with or without a mask: 10.0.0.1, 10.0.0.0/24, 10.0.0.0/255.255.255.0, 0/0.
 *
 * @throws an Error that says what is allowed
 */
export function parseNetwork(text: string): Network {
  if (text.includes(':')) throw new Error(`"${text}" is IPv6; allowed: IPv4 addresses`);
  const [address = '', mask = '32', ...rest] = text.split('/');
  if (rest.length > 0) throw new Error(`"${text}" has more than one "/"`);
  // ipchains and iptables take "0/0" for any address.
  if (address === '0' && mask === '0') return { address: '0.0.0.0', prefix: 0 };
  if (toNumber(address) === null) {
    throw new Error(`"${address}" is no IPv4 address; allowed: e.g. 10.0.0.1 or 10.0.0.0/24`);
  }
  return { address, prefix: parseMask(mask) };
}

/**
 * Reads a mask as prefix length or in dots.
 *
 * @throws an Error that says what is allowed
 */
export function parseMask(mask: string): number {
  const wrong = (): Error => new Error(`"${mask}" is no mask; allowed: 0 to 32, or e.g. 255.255.255.0`);
  if (/^\d+$/.test(mask)) {
    if (Number(mask) > 32) throw wrong();
    return Number(mask);
  }
  const bits = toNumber(mask);
  if (bits === null) throw wrong();
  const prefix = bits.toString(2).padStart(32, '0').lastIndexOf('1') + 1;
  // Ones, then zeros: a mask with holes is no prefix.
  if (bits !== (prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0)) {
    throw new Error(`mask ${mask} has holes; allowed: ones, then zeros, e.g. 255.255.255.0`);
  }
  return prefix;
}

/** An IPv4 address as a number; null when it is none. */
export function toNumber(address: string): number | null {
  const octets = address.split('.');
  if (octets.length !== 4 || octets.some((octet) => !/^\d{1,3}$/.test(octet) || Number(octet) > 255))
    return null;
  return octets.reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
