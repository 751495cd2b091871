import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../../src/plan/plan';
import { decodePacket } from '../../src/observe/packet';
import { PacketEvents } from '../../src/observe/packet-events';
import { ProbeSightings } from '../../src/observe/probe-sightings';
import { PcapReader, type CapturedPacket } from '../../src/observe/pcap';
import type { RunResult } from '../../src/verdict/run-result';
import { FOLDER, recorded } from '../catalogue';
import { run } from '../support';

// A capture of a real run, read by the lab and by tcpdump: both must see the same.

const NO_PROBES = new ProbeSightings('inside', { probes: [], hosts: {} as Plan['hosts'] });
let result: RunResult;
let bytes: Buffer;
let told: string[];

beforeAll(async () => {
  const [first] = await recorded(['active-nat-helper']);
  if (!first) throw new Error('no run');
  result = first;
  const file = join(FOLDER, result.artifacts.directory ?? '', 'outside.pcap');
  bytes = readFileSync(file);
  told = (await run(['tcpdump', '-ttnr', file, 'ip'])).stdout.trim().split('\n');
});

function read(chunks: readonly Buffer[]): CapturedPacket[] {
  const packets: CapturedPacket[] = [];
  const reader = new PcapReader();
  for (const chunk of chunks) reader.push(chunk, (packet) => packets.push(packet));
  return packets;
}

test('every packet has the time, ends, flags and length tcpdump reads', () => {
  const mine = read([bytes]).flatMap(({ at, data }) => {
    const headers = decodePacket(data);
    if (!headers) return [];
    const { source, sourcePort, destination, destinationPort, flags, length } = headers;
    const named =
      ['S', 'F', 'R', 'P'].filter((flag) => flags.includes(flag)).join('') + (flags.includes('A') ? '.' : '');
    return [
      `${at.toFixed(6)} IP ${source}.${sourcePort} > ${destination}.${destinationPort}: [${named}] ${length}`,
    ];
  });
  const theirs = told.map((line) => {
    const [, at = '', ends = '', flags = '', length = ''] =
      /^(\S+) (IP .+?): Flags \[([^\]]+)\].* length (\d+)/.exec(line) ?? [];
    const order = ['S', 'F', 'R', 'P', '.'].filter((flag) => flags.includes(flag)).join('');
    return `${at} ${ends}: [${order}] ${length}`;
  });
  expect(mine.length).toBeGreaterThan(500);
  expect(mine).toEqual(theirs);
});

test('the file may come in pieces of any size', () => {
  const whole = read([bytes]).length;
  for (const size of [1, 7, 24, 4096]) {
    const limit = size === 1 ? 20_000 : bytes.length;
    const chunks = Array.from({ length: Math.ceil(limit / size) }, (_, n) =>
      bytes.subarray(n * size, Math.min(limit, (n + 1) * size)),
    );
    const packets = read(chunks);
    if (limit === bytes.length) expect(packets).toHaveLength(whole);
    else expect(packets).toEqual(read([bytes.subarray(0, limit)]));
  }
});

test('special packets are events, bulk is summed up, and nothing is lost between them', () => {
  const packets = read([bytes]);
  const collector = new PacketEvents('outside', 21, NO_PROBES);
  for (const packet of packets) collector.add(packet);
  const events = collector.finish();
  const flows = events.filter((event) => event.kind === 'flow');
  const single = events.filter((event) => event.kind === 'packet');
  const decoded = packets.flatMap(({ data }) => decodePacket(data) ?? []);
  expect(single.length + flows.reduce((sum, flow) => sum + flow.packets, 0)).toBe(decoded.length);
  const bytesOf = (list: readonly { length: number }[]): number =>
    list.reduce((sum, { length }) => sum + length, 0);
  expect(bytesOf(single) + flows.reduce((sum, flow) => sum + flow.bytes, 0)).toBe(bytesOf(decoded));
  expect(single.length).toBeLessThan(150);
  expect(single.every(({ flags, payload }) => /[SFR]/.test(flags) || payload !== '')).toBe(true);
});

test('packets beyond the limit of events are still counted, every one', () => {
  const syn = read([bytes]).find(({ data }) => decodePacket(data)?.flags === 'S');
  if (!syn) throw new Error('no SYN in the capture');
  const collector = new PacketEvents('outside', 21, NO_PROBES);
  for (let n = 0; n < 50_010; n += 1) collector.add(syn);
  const events = collector.finish();
  expect(events.filter(({ kind }) => kind === 'packet')).toHaveLength(50_000);
  expect(events.filter((event) => event.kind === 'flow').map(({ packets }) => packets)).toEqual([10]);
});

test.each([
  ['not a capture', Buffer.from('this is no capture at all, not even close')],
  ['a damaged record', () => Buffer.concat([bytes.subarray(0, 24), Buffer.alloc(16, 0xff)])],
  ['another link type', () => Buffer.concat([bytes.subarray(0, 20), Buffer.from([113, 0, 0, 0])])],
])('%s is refused', (_what, make) => {
  expect(() => read([typeof make === 'function' ? make() : make])).toThrow(/pcap|damaged|link type/);
});

test('no random frame makes the decoder fail', () => {
  let seed = 1;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let n = 0; n < 20_000; n += 1) {
    const frame = Buffer.from(
      Array.from({ length: Math.floor(random() * 80) }, () => Math.floor(random() * 256)),
    );
    if (frame.length > 14 && n % 2) frame.writeUInt16BE(0x0800, 12);
    if (frame.length > 14 && n % 2) frame[14] = 0x45;
    expect(() => decodePacket(frame)).not.toThrow();
    const events = new PacketEvents('inside', 21, NO_PROBES);
    expect(() => {
      events.add({ at: 1, length: frame.length, data: frame });
    }).not.toThrow();
  }
});
