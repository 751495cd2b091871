import type { Match } from './rule';
import type { PortRange } from '../kinds';

/** ICMP names, type and code; null: any code (ipchains.c, icmp_codes, which `ipchains -h icmp` prints). */
const NAMES: readonly (readonly [name: string, type: number, code: number | null])[] = [
  ['echo-reply', 0, null],
  ['pong', 0, null],
  ['destination-unreachable', 3, null],
  ['network-unreachable', 3, 0],
  ['host-unreachable', 3, 1],
  ['protocol-unreachable', 3, 2],
  ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4],
  ['source-route-failed', 3, 5],
  ['network-unknown', 3, 6],
  ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9],
  ['host-prohibited', 3, 10],
  ['TOS-network-unreachable', 3, 11],
  ['TOS-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13],
  ['host-precedence-violation', 3, 14],
  ['precedence-cutoff', 3, 15],
  ['source-quench', 4, null],
  ['redirect', 5, null],
  ['network-redirect', 5, 0],
  ['host-redirect', 5, 1],
  ['TOS-network-redirect', 5, 2],
  ['TOS-host-redirect', 5, 3],
  ['echo-request', 8, null],
  ['ping', 8, null],
  ['router-advertisement', 9, null],
  ['router-solicitation', 10, null],
  ['time-exceeded', 11, null],
  ['ttl-exceeded', 11, null],
  ['ttl-zero-during-transit', 11, 0],
  ['ttl-zero-during-reassembly', 11, 1],
  ['parameter-problem', 12, null],
  ['ip-header-bad', 12, 0],
  ['required-option-missing', 12, 1],
  ['timestamp-request', 13, null],
  ['timestamp-reply', 14, null],
  ['address-mask-request', 17, null],
  ['address-mask-reply', 18, null],
];

const ALLOWED = 'allowed: 0 to 255, a range such as 8:10, or a name such as echo-request';

/**
 * Reads an ICMP type where ports would stand: a number, a range, or a name, which may be shortened and brings
 * its code along (ipchains.c, parse_icmp).
 *
 * @returns the type, and the code where the name implies one
 * @throws an Error that says what is allowed
 */
export function parseIcmpType(text: string, not: boolean): { type: Match<PortRange>; code: number | null } {
  if (/^[\d:]/.test(text)) return { type: { not, value: parseIcmpNumbers(text) }, code: null };
  const start = text.toLowerCase();
  const found = NAMES.filter(([name]) => name.toLowerCase().startsWith(start));
  const [one, other] = found;
  if (!one) throw new Error(`"${text}" is no ICMP type; ${ALLOWED}`);
  if (other) throw new Error(`"${text}" may be ${found.map(([name]) => name).join(' or ')}; write it out`);
  if (not) throw new Error(`"!" does not go with a name of ICMP; write the number of its type, ${one[1]}`);
  return { type: { not, value: [one[1], one[1]] }, code: one[2] };
}

/**
 * Reads ICMP types or codes as numbers; an end of a range may be left out. Both ends open would say nothing.
 *
 * @throws an Error that says what is allowed
 */
export function parseIcmpNumbers(text: string): PortRange {
  const range = /^(\d*):(\d*)$/.exec(text);
  const low = range ? Number(range[1]) : Number(text);
  const high = range ? Number(range[2] === '' ? 255 : range[2]) : low;
  const open = range?.[2] === '' && low === 0;
  if (open || (!range && !/^\d+$/.test(text)) || low > 255 || high > 255) {
    throw new Error(`"${text}" is no ICMP type or code; ${ALLOWED}`);
  }
  if (low > high) throw new Error(`range ${low}:${high} is upside down; did you mean ${high}:${low}?`);
  return [low, high];
}

/**
 * What ipchains calls a rule's ICMP types and codes when it lists them (ipchains.c, print_firewall).
 *
 * @param types and codes as `parseIcmpType` gives them; null: any
 * @returns null when they have no name
 */
export function icmpNameOf(types: Match<PortRange> | null, codes: Match<PortRange> | null): string | null {
  if (!types || types.not || codes?.not === true) return null;
  const [type, last] = types.value;
  const [code, lastCode] = codes?.value ?? [null, null];
  if (type !== last || code !== lastCode) return null;
  return NAMES.find(([, known, knownCode]) => known === type && knownCode === code)?.[0] ?? null;
}
