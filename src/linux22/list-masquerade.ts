import { printAddress } from './addresses';
import type { Entry } from './entry';
import type { ListFormat } from './list-rules';
import { remotePortWord, type MasqueradeTable } from './masquerade-table';
import { ICMP, TCP } from './packet';
import { serviceName } from '../firewall/ipchains/services';

/** Ticks of the kernel's clock in a second, on a PC: times are counted in them. */
export const HZ = 100;

/**
 * What `ipchains -M -L` prints (ipchains 1.3.9, list_masq and print_masq, from /proc/net/ip_masquerade: ip_masq.c,
 * ip_msqhst_procinfo). Behind the inside port stands the firewall's. Addresses are numbers here: nothing on the firewall
 * resolves names.
 *
 * @param format with `-v` the shift of the sequence numbers, too; without `-n` ports have names
 */
export function listMasquerade(
  table: MasqueradeTable,
  now: number,
  format: Pick<ListFormat, 'verbose' | 'numeric'>,
): string {
  const { verbose } = format;
  const lines = table.listed().map((entry) => entryLine(entry, now, format));
  const deltas = verbose ? `${'initseq'.padStart(10)} delta prevd ` : '';
  const heading = `prot ${'expire'.padEnd(8)} ${deltas}${'source'.padEnd(20)} ${'destination'.padEnd(20)} ports`;
  return ['IP masquerading entries', ...(lines.length > 0 ? [heading] : []), ...lines]
    .map((line) => `${line}\n`)
    .join('');
}

function entryLine(
  entry: Entry,
  now: number,
  { verbose, numeric }: Pick<ListFormat, 'verbose' | 'numeric'>,
): string {
  const { protocol, insideAddress, insidePort, remoteAddress, outsidePort } = entry;
  const name = protocol === TCP ? 'TCP' : protocol === ICMP ? 'ICMP' : 'UDP';
  const number = (value: number, width: number): string => String(value).padStart(width);
  const { at, before, after } = entry.resizes.at(-1) ?? { at: 0, before: 0, after: 0 };
  const port = (value: number): string =>
    numeric || protocol === ICMP ? String(value) : serviceName(value, protocol === TCP ? 'tcp' : 'udp');
  const deltas = verbose ? `${number(at, 10)} ${number(after, 5)} ${number(before, 5)} ` : '';
  return [
    `${name.padEnd(5)}${printExpiry(entry.expires - now)} ${deltas}`,
    `${printAddress(insideAddress).padEnd(20)} ${printAddress(remoteAddress).padEnd(20)} `,
    `${port(insidePort)} (${port(outsidePort)}) -> ${port(remotePortWord(entry))}`,
  ].join('');
}

/** Minutes, seconds and hundredths: 14:59.97. */
export function printExpiry(seconds: number): string {
  const ticks = Math.max(0, Math.floor(seconds * HZ + 1e-6));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(ticks / (60 * HZ)))}:${two(Math.floor(ticks / HZ) % 60)}.${two(ticks % HZ)}`;
}
