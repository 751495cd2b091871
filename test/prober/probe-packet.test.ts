import fc from 'fast-check';
import { PROBE_WINDOW } from '../../src/agent/probe-mark';
import { Pace } from '../../src/prober/pace';
import { flagBits, probePacket, type Probe } from '../../src/prober/probe-packet';

const port = fc.integer({ min: 1, max: 65_535 });
const probes: fc.Arbitrary<Probe> = fc.record({
  source: fc.ipV4(),
  destination: fc.ipV4(),
  sourcePort: port,
  destinationPort: port,
  flags: fc.integer({ min: 0, max: 63 }),
  mark: port,
});
const SYN = 0x02;
const ACK = 0x10;

/** The one's complement sum of 16-bit words (RFC 1071 §1): 0xffff over what carries a right checksum. */
function wordSum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += bytes.readUInt16BE(at);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

test('every field of a packet is where RFC 791 and RFC 9293 put it, and the TCP checksum is right', () => {
  fc.assert(
    fc.property(probes, (probe) => {
      const packet = probePacket(probe);
      const tcp = packet.subarray(20);
      expect(packet[0]).toBe(0x45);
      expect(packet.readUInt16BE(2)).toBe(packet.length);
      expect([packet[8], packet[9]]).toEqual([64, 6]);
      expect([...packet.subarray(12, 16)].join('.')).toBe(probe.source);
      expect([...packet.subarray(16, 20)].join('.')).toBe(probe.destination);
      expect(tcp.readUInt16BE(0)).toBe(probe.sourcePort);
      expect(tcp.readUInt16BE(2)).toBe(probe.destinationPort);
      // The mark: which probe, from which port to which, whatever is translated on the way.
      expect(packet.readUInt16BE(4)).toBe(probe.mark);
      expect([tcp.readUInt16BE(4), tcp.readUInt16BE(6)]).toEqual([probe.sourcePort, probe.destinationPort]);
      expect(tcp.readUInt16BE(14)).toBe(PROBE_WINDOW);
      expect(tcp.readUInt32BE(8) !== 0).toBe((probe.flags & ACK) !== 0);
      expect((tcp[12] ?? 0) >> 4).toBe(tcp.length / 4);
      expect(tcp[13]).toBe(probe.flags);
      expect(tcp.subarray(20).toString('hex')).toBe((probe.flags & SYN) !== 0 ? '020405b4' : '');
      const pseudoHeader = Buffer.concat([packet.subarray(12, 20), Buffer.from([0, 6, 0, tcp.length])]);
      expect(wordSum(Buffer.concat([pseudoHeader, tcp]))).toBe(0xffff);
    }),
  );
});

test('flags are letters, in any order, or none', () => {
  expect(flagBits('S')).toBe(0x02);
  expect(flagBits('AS')).toBe(0x12);
  expect(flagBits('FPU')).toBe(0x29);
  expect(flagBits('R')).toBe(0x04);
  expect(flagBits('')).toBe(0);
  expect(() => flagBits('SX')).toThrow(
    '"X" is no TCP flag; allowed: S (SYN), F (FIN), R (RST), P (PSH), A (ACK), U (URG)',
  );
});

test('addresses and ports that do not exist are refused', () => {
  const probe = { source: '203.0.113.9', destination: '203.0.113.1', sourcePort: 20, destinationPort: 21 };
  const packet = (change: Partial<Probe>) => () => probePacket({ ...probe, flags: 2, mark: 1, ...change });
  expect(packet({})).not.toThrow();
  expect(packet({ destination: '203.0.113.256' })).toThrow(
    '"203.0.113.256" is no IPv4 address; allowed: one such as 203.0.113.5',
  );
  expect(packet({ source: '::1' })).toThrow('"::1" is no IPv4 address');
  for (const wrong of [0, 65_536, 20.5, -1, Number.NaN]) {
    const message = `port ${wrong} is out of range; allowed: a number from 1 to 65535`;
    expect(packet({ sourcePort: wrong })).toThrow(message);
    expect(packet({ destinationPort: wrong })).toThrow(message);
  }
});

test('no stretch of time sees more packets than the pace allows, however its timers fire', () => {
  const perSecond = 1000;
  const burst = 50;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 60 }), (waits) => {
      const pace = new Pace(perSecond, burst);
      const left: { at: number; packets: number }[] = [];
      let milliseconds = 0;
      for (const wait of waits) {
        milliseconds += wait;
        const packets = pace.allowance(milliseconds / 1000);
        for (let n = 0; n < packets; n += 1) pace.spend();
        left.push({ at: milliseconds / 1000, packets });
      }
      for (const [index, { at: from }] of left.entries()) {
        let sum = 0;
        for (const { at, packets } of left.slice(index)) {
          sum += packets;
          expect(sum).toBeLessThanOrEqual((at - from) * perSecond + burst + 1e-6);
        }
      }
    }),
  );
});

test('the pace lets everything through in the end, and saves up no more than a burst', () => {
  const pace = new Pace(1024, 50);
  expect(pace.allowance(5)).toBe(0);
  expect(pace.allowance(5 + 1 / 128)).toBe(8);
  for (let n = 0; n < 8; n += 1) pace.spend();
  expect(pace.allowance(5 + 1 / 128)).toBe(0);
  expect(pace.allowance(5 + 3 / 256)).toBe(4);
  expect(pace.allowance(3600)).toBe(50);
});
