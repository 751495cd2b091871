import type { Chains } from './chains';
import { INTERFACES, type Interface } from './kernel-rule';
import { ACK, ICMP, IP_HEADER, Packet, SYN, TCP, UDP, renewHeaderChecksum } from './packet';
import { readAddress } from './addresses';
import type { Endpoint, IpchainsRule } from '../firewall/ipchains/rule';

/** What ipchains says of what the kernel answers, which it gives as errors (ip_fw.c, ip_fw_ctl; libipfwc.c, ipfwc_check_packet). */
const ANSWERS = {
  ACCEPT: 'accepted',
  DENY: 'denied',
  REJECT: 'rejected',
  MASQ: 'masqueraded',
  REDIRECT: 'redirected',
  LOOP: 'caught in loop',
  RETURN: 'passed through chain',
} as const;

/** As large as the largest header that is asked for. */
const LENGTH = IP_HEADER + 20;
const TTL = 64;
/** In units of eight bytes: 1 would be taken for an attack (ip_fw.c, ip_fw_check). */
const FRAGMENT_OFFSET = 2;

/**
 * Answers `ipchains -C`: what a chain would do with a packet.
 *
 * @param rule says what the packet is
 * @throws an Error that says what is not there or is more than one
 */
export function checkPacket(chains: Chains, chain: string, rule: IpchainsRule): string {
  const via = interfaceOf(rule);
  const packet = new Packet();
  packet.read(packetOf(rule));
  return ANSWERS[chains.test(chain, via, packet)];
}

function interfaceOf({ interface: match }: IpchainsRule): Interface {
  const found = match && !match.not && !match.value.prefix ? match.value.name : null;
  const known = INTERFACES.find((name) => name === found);
  if (!known) throw new Error(`-C needs -i and one interface; allowed: ${INTERFACES.join(', ')}`);
  return known;
}

function packetOf(rule: IpchainsRule): Buffer {
  const { protocol, source, destination, syn, fragment } = rule;
  if (protocol.not || protocol.value === 0)
    throw new Error('-C needs -p and one protocol; allowed: tcp, udp, icmp or a number from 1 to 255');
  const bytes = Buffer.alloc(LENGTH);
  bytes.writeUInt8(0x45, 0);
  bytes.writeUInt16BE(LENGTH, 2);
  if (fragment && !fragment.not) bytes.writeUInt16BE(FRAGMENT_OFFSET, 6);
  bytes.writeUInt8(TTL, 8);
  bytes.writeUInt8(protocol.value, 9);
  bytes.writeUInt32BE(addressOf(source, '-s'), 12);
  bytes.writeUInt32BE(addressOf(destination, '-d'), 16);
  renewHeaderChecksum(bytes, 0, IP_HEADER);
  // A fragment has no ports that anybody could ask for.
  if (fragment && !fragment.not) return bytes;
  if (protocol.value === TCP || protocol.value === UDP) {
    bytes.writeUInt16BE(portOf(source, '-s', 'a port'), IP_HEADER);
    bytes.writeUInt16BE(portOf(destination, '-d', 'a port'), IP_HEADER + 2);
  }
  if (protocol.value === TCP) bytes.writeUInt8(syn && !syn.not ? SYN : ACK, IP_HEADER + 13);
  if (protocol.value === ICMP) {
    bytes.writeUInt8(portOf(source, '-s', 'a type of ICMP'), IP_HEADER);
    bytes.writeUInt8(destination.ports ? portOf(destination, '-d', 'a code of ICMP') : 0, IP_HEADER + 1);
  }
  return bytes;
}

function addressOf({ network }: Endpoint, flag: string): number {
  if (network.not || network.value.prefix !== 32)
    throw new Error(`-C needs ${flag} and one address; allowed: one such as 203.0.113.20`);
  return readAddress(network.value.address);
}

function portOf({ ports }: Endpoint, flag: string, what: string): number {
  const [low, high] = ports?.value ?? [0, 65_535];
  if (ports?.not === true || low !== high) throw new Error(`-C needs ${what} behind the address of ${flag}`);
  return low;
}
