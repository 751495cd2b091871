// Frames as no decent host sends them, made without the firewall's own code.
import { addressNumber, icmp, internetChecksum, tcp, udp } from './packets';

/** A number from 0 up to and without one. */
export type Random = (below: number) => number;

/** A small generator of numbers, so that a failure can be had again: mulberry32. */
export function generator(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below) | 0;
  };
}

/** Whether an address is of the inside network, 10.0.0.0/24. */
export const isInside = (address: number): boolean => address >>> 8 === addressNumber('10.0.0.0') >>> 8;

/** Addresses in a packet's headers and, for an ICMP error, in those it quotes. */
export function addresses(packet: Buffer): number[] {
  const header = (packet.readUInt8(0) & 15) * 4;
  const found = [packet.readUInt32BE(12), packet.readUInt32BE(16)];
  const isFirst = (packet.readUInt16BE(6) & 0x1fff) === 0;
  const quotes = isFirst && packet.readUInt8(9) === 1 && [3, 4, 5, 11, 12].includes(packet.readUInt8(header));
  if (quotes && packet.length >= header + 28)
    found.push(packet.readUInt32BE(header + 20), packet.readUInt32BE(header + 24));
  return found;
}

/** The three that frames speak of. */
export interface Actors {
  readonly client: string;
  readonly server: string;
  /** the firewall's outside address */
  readonly firewall: string;
}

/** Makes random, truncated and spoilt IPv4 packets, most of them such as a client or its server sends. */
export function frameMaker(random: Random, { client, server, firewall }: Actors): () => Buffer {
  const odd = ['10.0.0.3', '10.0.0.1', '10.0.0.255', '192.0.2.7', '0.0.0.0', '224.0.0.1'];
  const hosts = [client, server, firewall, ...odd];
  const host = (): string => hosts[random(hosts.length)] ?? client;
  const payloads = [
    'PORT 10,0,0,2,4,2\r\n',
    'PASV\r\n',
    '227 Entering Passive Mode (10,0,0,2,4,2)\r\n',
    'PORT ,,,,,\r\n',
    'PORT 1,2',
    '',
  ];
  const flags = ['S', 'SA', 'A', 'PA', 'FA', 'R', '', 'SFRPA'];
  const port = (): number => [21, 21, 20, 1025, 61_000 + random(5), random(65_536)][random(6)] ?? 21;
  const options = (): number[] =>
    random(8) > 0 ? [] : Array.from({ length: 4 * random(11) }, () => random(256));
  const well = (): Buffer => {
    // Most are what a client, or its server, sends.
    const [source, destination] = random(2) > 0 ? [client, server] : [server, firewall];
    const fields = {
      source: random(8) > 0 ? source : host(),
      destination: random(8) > 0 ? destination : host(),
      ttl: random(8) > 0 ? 64 : random(3),
      options: options(),
    };
    const ports = { sourcePort: port(), destinationPort: port() };
    const fragment = random(8) > 0 ? {} : { offset: random(4), moreFragments: random(2) > 0, id: random(3) };
    const payload = payloads[random(payloads.length)] ?? '';
    switch (random(4)) {
      case 0:
        return udp({ ...fields, ...ports, ...fragment, payload });
      case 1:
        return icmp({
          ...fields,
          ...fragment,
          type: random(20),
          code: random(4),
          identifier: port(),
          body:
            random(3) > 0 ? tcp({ ...ports, source: host(), destination: host() }) : Buffer.alloc(random(60)),
        });
      default:
        return tcp({
          ...fields,
          ...ports,
          ...fragment,
          flags: flags[random(flags.length)] ?? 'A',
          sequence: random(0x7fffffff) * 2,
          payload,
        });
    }
  };
  const spoil = (packet: Buffer): Buffer => {
    const spoilt = Buffer.from(packet);
    for (let count = random(4); count > 0; count -= 1) spoilt.writeUInt8(random(256), random(spoilt.length));
    // The header's checksum is made right in most, or nothing would get past it.
    const header = (spoilt.readUInt8(0) & 15) * 4;
    if (random(10) > 0 && header >= 20 && header <= spoilt.length) {
      spoilt.writeUInt16BE(0, 10);
      spoilt.writeUInt16BE(internetChecksum(spoilt.subarray(0, header)), 10);
    }
    return random(3) > 0 ? spoilt : spoilt.subarray(0, random(spoilt.length + 1));
  };
  return () => {
    const kind = random(10);
    return kind === 0
      ? Buffer.from(Array.from({ length: random(80) }, () => random(256)))
      : kind < 5
        ? spoil(well())
        : well();
  };
}
