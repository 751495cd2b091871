// Whatever comes in, the firewall goes on, and no inside address gets out.
import { describe, expect, test } from '@jest/globals';
import { GIVEN_LIMIT, TABLE_LIMIT } from '../../src/linux22';
import { Bench, CLIENT, FIREWALL, FORWARDING, SERVER } from './bench-firewall';
import { ip, udp } from './packets';
import { addresses, frameMaker, generator, isInside } from './random-frames';

test('100,000 random, truncated and spoilt frames: nothing is thrown, and nothing leaks', () => {
  const random = generator(22);
  const bench = new Bench('2.2.19', [
    ...FORWARDING,
    'modprobe ip_masq_ftp in_ports=21',
    'ipchains -A input -p udp -j REJECT',
  ]);
  const makeFrame = frameMaker(random, { client: CLIENT, server: SERVER, firewall: FIREWALL });
  let sentOutside = 0;
  for (let count = 0; count < 100_000; count += 1) {
    const packet = makeFrame();
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
      'truncated',
    ].toSorted(),
  );
});

describe('a port scan', () => {
  test('from the inside fills the table to its limit and no further; then there is room again', () => {
    const bench = new Bench();
    for (let index = 0; index < 42_000; index += 1)
      bench.out({
        flags: 'S',
        destination: `192.0.${index >> 8}.${index & 255}`,
        destinationPort: 1 + index,
      });
    expect(TABLE_LIMIT).toBe(40_960);
    expect(bench.firewall.entries()).toHaveLength(TABLE_LIMIT);
    expect(bench.firewall.refusals()).toEqual({ 'table full': 42_000 - TABLE_LIMIT });
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
    for (let index = 0; index < 66_000; index += 1)
      bench.back({
        flags: 'S',
        source: `192.0.${(index >> 8) & 255}.${index & 255}`,
        sourcePort: 1025 + (index >> 16),
        destinationPort: 21,
      });
    expect(bench.firewall.entries()).toHaveLength(GIVEN_LIMIT);
    expect(bench.out({ flags: 'S' })).toHaveLength(1);
  });
});

test('fragments that never end do not pile up', () => {
  const bench = new Bench();
  // While there is an entry.
  bench.open();
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
        payload: '12345678',
      }).subarray(20),
    );
  for (let id = 0; id < 5000; id += 1) bench.from('inside', first(id));
  const later = (id: number) =>
    bench.from('inside', ip(17, { source: CLIENT, destination: SERVER, id, offset: 2 }, Buffer.alloc(8)));
  // The oldest have been given up.
  expect([later(0).length, later(4999).length]).toEqual([0, 1]);
});
