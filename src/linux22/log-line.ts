import { printAddress } from './addresses';
import { isSyn, type Interface } from './kernel-rule';
import type { Packet } from './packet';
import type { IpchainsRule } from '../firewall/ipchains/rule';

/** What the kernel logs of a packet for a rule with `-l`, as it stands in the system's log (ip_fw.c, dump_packet). */
export function logLine(
  chain: string,
  rule: IpchainsRule,
  number: number,
  via: Interface,
  packet: Packet,
): string {
  const hex = (value: number, digits: number): string =>
    `0x${value.toString(16).toUpperCase().padStart(digits, '0')}`;
  const words = [
    `Packet log: ${chain} ${label(rule)} ${via} PROTO=${packet.protocol}`,
    `${printAddress(packet.source)}:${packet.sourcePort}`,
    `${printAddress(packet.destination)}:${packet.destinationPort}`,
    `L=${packet.length} S=${hex(packet.tos, 2)} I=${packet.identification}`,
    `F=${hex(packet.bytes.readUInt16BE(6), 4)} T=${packet.ttl}`,
    ...(isSyn(packet) ? ['SYN'] : []),
    `(#${number})`,
  ];
  return words.join(' ');
}

function label({ target }: IpchainsRule): string {
  switch (target?.kind) {
    case undefined:
      return '-';
    case 'redirect':
      return `REDIRECT ${target.port}`;
    case 'chain':
      return target.chain;
    case 'special':
      return target.name;
  }
}
