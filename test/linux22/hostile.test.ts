// Whatever comes in, the firewall goes on, and no inside address gets out.
import { describe, expect, test } from '@jest/globals';
import { TABLE_LIMIT } from '../../src/linux22';
import { Bench, CLIENT, FIREWALL, FORWARDING, SERVER } from './bench-firewall';
import { addressNumber, icmp, internetChecksum, ip, tcp, udp } from './packets';

/** A small generator of numbers, so that a failure can be had again: mulberry32. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below) | 0;
  };
}

const isInside = (address: number): boolean => address >>> 8 === addressNumber('10.0.0.0') >>> 8;

/** Addresses in a packet's headers and, for an ICMP error, in those it quotes. */
function addresses(packet: Buffer): number[] {
  const header = (packet.readUInt8(0) & 15) * 4;
  const found = [packet.readUInt32BE(12), packet.readUInt32BE(16)];
  const isFirst = (packet.readUInt16BE(6) & 0x1fff) === 0;
  const quotes = isFirst && packet.readUInt8(9) === 1 && [3, 4, 5, 11, 12].includes(packet.readUInt8(header));
  if (quotes && packet.length >= header + 28)
    found.push(packet.readUInt32BE(header + 20), packet.readUInt32BE(header + 24));
  return found;
}

test('100,000 random, truncated and spoilt frames: nothing is thrown, and nothing leaks', () => {
  const random = generator(22);
  const bench = new Bench('2.2.19', [
    ...FORWARDING,
    'modprobe ip_masq_ftp in_ports=21',
    'ipchains -A input -p udp -j REJECT',
  ]);
  const odd = ['10.0.0.3', '10.0.0.1', '10.0.0.255', '192.0.2.7', '0.0.0.0', '224.0.0.1'];
  const hosts = [CLIENT, SERVER, FIREWALL, ...odd];
  const host = (): string => hosts[random(hosts.length)] ?? CLIENT;
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
    const [source, destination] = random(2) > 0 ? [CLIENT, SERVER] : [SERVER, FIREWALL];
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
  let sentOutside = 0;
  for (let count = 0; count < 100_000; count += 1) {
    const kind = random(10);
    const packet =
      kind === 0
        ? Buffer.from(Array.from({ length: random(80) }, () => random(256)))
        : kind < 5
          ? spoil(well())
          : well();
    const before = packet.toString('hex');
    if (random(500) === 0) bench.wait(random(200));
    // Most come from where their source is, some do not.
    const honest = packet.length >= 16 && isInside(packet.readUInt32BE(12));
    const from = random(8) > 0 === honest ? 'inside' : 'outside';
    for (const { to, packet: sent } of bench.from(from, packet)) {
      if (to !== 'outside') continue;
      sentOutside += 1;
      // Who sends to an inside address knows it, and may have its own packet quoted.
      const known = from === 'outside' ? addresses(Buffer.from(before, 'hex')) : [];
      const leaked = addresses(sent).filter((address) => isInside(address) && !known.includes(address));
      if (leaked.length > 0 || isInside(sent.readUInt32BE(12)))
        throw new Error(`from ${from}: ${before}\nsent outside: ${sent.toString('hex')}`);
    }
  }
  // They got as far as they could.
  expect(sentOutside).toBeGreaterThan(15_000);
  expect(bench.told('rewritten').length).toBeGreaterThan(30);
  expect(bench.told('data-expected').length).toBeGreaterThan(30);
  const { refused, ...counted } = { refused: bench.told('refused').length, ...bench.firewall.refusals() };
  expect(Object.values(counted).reduce((sum, one) => sum + one, 0)).toBe(refused);
  expect(Object.keys(counted).toSorted()).toEqual(
    [
      'ahead of a gap',
      'bad checksum',
      'bad header length',
      'bad length',
      'bad transport checksum',
      'bad transport header',
      'cannot be masqueraded',
      'malformed IP options',
      'martian address',
      'no way',
      'not IPv4',
      'source route',
      'stray fragment',
      'truncated',
    ].toSorted(),
  );
});

describe('a port scan', () => {
  test('from the inside fills the table to its limit and no further; then there is room again', () => {
    const bench = new Bench();
    for (let index = 0; index < 10_000; index += 1)
      bench.out({
        flags: 'S',
        destination: `192.0.${index >> 8}.${index & 255}`,
        destinationPort: 1 + index,
      });
    expect(bench.firewall.entries()).toHaveLength(TABLE_LIMIT);
    expect(bench.firewall.refusals()).toEqual({ 'table full': 10_000 - TABLE_LIMIT });
    bench.wait(120);
    expect(bench.firewall.entries()).toHaveLength(0);
    expect(bench.out({ flags: 'S' })).toHaveLength(1);
  });

  test('of one remote end takes each port once', () => {
    const bench = new Bench();
    for (let index = 0; index < 5000; index += 1) bench.out({ flags: 'S', sourcePort: 1 + index });
    const ports = bench.firewall.entries().map(({ outside }) => outside.port);
    expect(new Set(ports).size).toBe(4096);
    expect(ports).toHaveLength(4096);
  });

  test('from the world, of a forwarded port, is bounded too, and leaves room for the inside', () => {
    const bench = new Bench('2.2.19', FORWARDING);
    for (let index = 0; index < 10_000; index += 1)
      bench.back({
        flags: 'S',
        source: `192.0.${index >> 8}.${index & 255}`,
        sourcePort: 1025,
        destinationPort: 21,
      });
    expect(bench.firewall.entries()).toHaveLength(TABLE_LIMIT);
    expect(bench.out({ flags: 'S' })).toHaveLength(1);
  });
});

test('fragments that never end do not pile up', () => {
  const bench = new Bench();
  const first = (id: number): Buffer =>
    ip(
      17,
      { source: CLIENT, destination: SERVER, id, moreFragments: true },
      udp({
        source: CLIENT,
        destination: SERVER,
        sourcePort: 5,
        destinationPort: 9,
        noChecksum: true,
      }).subarray(20),
    );
  for (let id = 0; id < 5000; id += 1) bench.from('inside', first(id));
  const later = (id: number) =>
    bench.from('inside', ip(17, { source: CLIENT, destination: SERVER, id, offset: 2 }, Buffer.alloc(8)));
  // The oldest have been forgotten.
  expect([later(0).length, later(4999).length]).toEqual([0, 1]);
});
