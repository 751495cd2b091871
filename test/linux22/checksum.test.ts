import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { adjusted, adjustedLong, finish, sumOf } from '../../src/linux22/checksum';
import { Packet } from '../../src/linux22/packet';
import { TimerQueue, type Timed } from '../../src/linux22/timer-queue';
import { decode, internetChecksum, tcp } from './packets';

describe('checksums', () => {
  test('of a header as it was captured, and of its words in RFC 1071 §3', () => {
    const captured = Buffer.from('45000073000040004011b861c0a80001c0a800c7', 'hex');
    expect(finish(sumOf(captured, 0, 20))).toBe(0);
    expect(internetChecksum(captured)).toBe(0);
    expect(finish(sumOf(Buffer.from('0001f203f4f5f6f7', 'hex'), 0, 8))).toBe(0xffff - 0xddf2);
  });

  test('the example of RFC 1624 §4, where the older equation gives 0xffff', () => {
    expect(adjusted(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  test('changed step by step are the same as computed anew', () => {
    const long = fc.integer({ min: 0, max: 0xffffffff });
    const port = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(
        long,
        long,
        port,
        port,
        long,
        fc.string({ maxLength: 33 }),
        (from, to, one, other, sequence, payload) => {
          const ends = {
            source: '10.0.0.2',
            destination: '203.0.113.9',
            sourcePort: 1025,
            destinationPort: 21,
          };
          const packet = new Packet();
          packet.read(tcp({ ...ends, payload }));
          packet.setSource(from);
          packet.setDestination(to);
          packet.setSourcePort(one);
          packet.setDestinationPort(other);
          packet.setSequence(sequence);
          packet.setAcknowledgement(sequence);
          packet.decrementTtl();
          packet.setTos(one & 0xff);
          const { source } = decode(packet.bytes);
          return source.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0) === from;
        },
      ),
      { seed: 22 },
    );
  });

  test('a 32-bit number is two words', () => {
    expect(adjustedLong(0x1234, 0x0a000002, 0xcb007101)).toBe(
      adjusted(adjusted(0x1234, 0x0a00, 0xcb00), 0x0002, 0x7101),
    );
  });
});

describe('the timer queue', () => {
  test('always knows what ends next, however often things are put off, brought forward and taken out', () => {
    const action = fc.record({ pick: fc.nat(7), at: fc.nat(100), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const queue = new TimerQueue<Timed>();
        const items: Timed[] = Array.from({ length: 8 }, () => ({
          expires: 50,
          queueIndex: -1,
          queueKey: 0,
        }));
        for (const { pick, at, remove } of actions) {
          const item = items[pick];
          if (!item) return false;
          if (item.queueIndex < 0) {
            item.expires = at;
            queue.add(item);
          } else if (remove) queue.remove(item);
          else {
            item.expires = at;
            queue.moved(item);
          }
          const times = items.filter(({ queueIndex }) => queueIndex >= 0).map(({ expires }) => expires);
          const next = queue.next();
          if (queue.size !== times.length || (next?.expires ?? Infinity) !== Math.min(...times, Infinity))
            return false;
        }
        return true;
      }),
      { seed: 22, numRuns: 500 },
    );
  });
});
