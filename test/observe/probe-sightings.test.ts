import fc from 'fast-check';
import { PROBE_WINDOW, probeSequence } from '../../src/agent/probe-mark';
import type { RawEvent } from '../../src/observe/event';
import { decodePacket } from '../../src/observe/packet';
import { PacketEvents } from '../../src/observe/packet-events';
import { ProbeSightings } from '../../src/observe/probe-sightings';
import type { HostPlan, Plan, PlannedProbe } from '../../src/plan/plan';
import { addressBytes, flagBits, probePacket, type Probe } from '../../src/prober/probe-packet';

// Packets as the prober makes them, as a firewall changes them, and as others would forge them.

const PROBER = '203.0.113.66';
const CLIENT = '10.0.0.10';
const SERVER = '203.0.113.20';
const FIREWALL = '203.0.113.1';
const ETHERNET = Buffer.from('0200000000010200000000020800', 'hex');
/** Offsets in a frame with an IP header without options. */
const AT = {
  identification: 18,
  source: 26,
  destination: 30,
  sourcePort: 34,
  destinationPort: 36,
  sequence: 38,
  window: 48,
};

const host = (address: string): HostPlan => ({
  interfaces: [{ name: 'eth0', address }],
  routes: [],
  sysctls: {},
});
const planned = (mark: number, name: string): PlannedProbe => ({
  ...{ kind: 'probe', name, from: 'prober', to: 'client', flags: 'SYN', sampled: false },
  ...{ sourcePorts: [20], ports: [[1, 65_535]], mark, destination: CLIENT },
});
const PLAN: Pick<Plan, 'probes' | 'hosts'> = {
  probes: [planned(1, 'scan'), planned(2, 'acks')],
  hosts: { client: host(CLIENT), server: host(SERVER), firewall: host(FIREWALL), prober: host(PROBER) },
};

const sightings = (): ProbeSightings => new ProbeSightings('inside', PLAN);

function frame(change: Partial<Probe> = {}, payload = ''): Buffer {
  const probe = { source: PROBER, destination: CLIENT, sourcePort: 20, destinationPort: 1025, mark: 1 };
  const packet = Buffer.concat([
    probePacket({ ...probe, flags: flagBits('S'), ...change }),
    Buffer.from(payload),
  ]);
  packet.writeUInt16BE(packet.length, 2);
  return Buffer.concat([ETHERNET, packet]);
}

/** What network address translation does to a frame: addresses and ports, and nothing else. */
function translated(
  original: Buffer,
  to: Partial<Pick<Probe, 'source' | 'destination' | 'sourcePort' | 'destinationPort'>>,
): Buffer {
  const copy = Buffer.from(original);
  if (to.source !== undefined) copy.set(addressBytes(to.source), AT.source);
  if (to.destination !== undefined) copy.set(addressBytes(to.destination), AT.destination);
  if (to.sourcePort !== undefined) copy.writeUInt16BE(to.sourcePort, AT.sourcePort);
  if (to.destinationPort !== undefined) copy.writeUInt16BE(to.destinationPort, AT.destinationPort);
  return copy;
}

/** A packet of somebody else's: the marks of a probe are not on it. */
function plain(change: Partial<Probe>, payload = ''): Buffer {
  const copy = frame(change, payload);
  copy.writeUInt16BE(64_240, AT.window);
  return copy;
}

function take(into: ProbeSightings, data: Buffer, at = 1): boolean {
  const headers = decodePacket(data);
  if (!headers) throw new Error('the lab cannot read this frame');
  return into.take(at, headers);
}

type ProbeSeen = Extract<RawEvent, { kind: 'probe' }>;
type ReplySeen = Extract<RawEvent, { kind: 'probe-reply' }>;
const probesOf = (events: readonly RawEvent[]): ProbeSeen[] =>
  events.filter((event) => event.kind === 'probe');
const repliesOf = (events: readonly RawEvent[]): ReplySeen[] =>
  events.filter((event) => event.kind === 'probe-reply');

const port = fc.integer({ min: 1, max: 65_535 });

test('a probe is known by its mark, however its addresses and ports were rewritten', () => {
  const rewriting = fc.record(
    { source: fc.ipV4(), destination: fc.ipV4(), sourcePort: port, destinationPort: port },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(port, port, fc.constantFrom(1, 2), rewriting, (sourcePort, destinationPort, mark, to) => {
      const seen = sightings();
      expect(take(seen, translated(frame({ sourcePort, destinationPort, mark }), to))).toBe(true);
      expect(seen.finish()).toMatchObject([
        {
          kind: 'probe',
          vantage: 'firewall inside',
          probe: mark === 1 ? 'scan' : 'acks',
          flags: 'S',
          sourcePort,
          ports: [[destinationPort, destinationPort]],
          packets: 1,
        },
      ]);
    }),
  );
});

test('one event for each probe, source port and set of flags; the time is the first packet’s', () => {
  const seen = sightings();
  for (const destinationPort of [6000, 6001, 6001, 6003]) take(seen, frame({ destinationPort }), 5);
  take(seen, frame({ sourcePort: 21 }), 6);
  take(seen, frame({ mark: 2, flags: flagBits('A') }), 7);
  take(seen, frame({ mark: 2, flags: flagBits('FA') }), 8);
  const events = probesOf(seen.finish());
  expect(
    events.map(({ at, probe, flags, sourcePort, ports, packets }) => [
      at,
      probe,
      flags,
      sourcePort,
      ports,
      packets,
    ]),
  ).toEqual([
    [
      5,
      'scan',
      'S',
      20,
      [
        [6000, 6001],
        [6003, 6003],
      ],
      4,
    ],
    [6, 'scan', 'S', 21, [[1025, 1025]], 1],
    [7, 'acks', 'A', 20, [[1025, 1025]], 1],
    [8, 'acks', 'FA', 20, [[1025, 1025]], 1],
  ]);
  expect(events[0]?.text).toBe(`scan: S ${PROBER}:20 → ${CLIENT} ports 6000-6001, 6003`);
});

test('replies are summed up by who sent them where, with the ports they came from', () => {
  const seen = sightings();
  const reply = (sourcePort: number, flags: string, source = CLIENT): Buffer =>
    plain({ source, destination: PROBER, sourcePort, destinationPort: 20, flags: flagBits(flags) });
  for (const closed of [1025, 1026, 8080]) expect(take(seen, reply(closed, 'RA'))).toBe(true);
  expect(take(seen, reply(21, 'SA'))).toBe(true);
  expect(take(seen, reply(1025, 'RA', FIREWALL))).toBe(true);
  const events = repliesOf(seen.finish());
  expect(
    events.map(({ source, flags, ports, packets, destinationPort }) => ({
      source,
      flags,
      ports,
      packets,
      destinationPort,
    })),
  ).toEqual([
    {
      source: CLIENT,
      flags: 'RA',
      ports: [
        [1025, 1026],
        [8080, 8080],
      ],
      packets: 3,
      destinationPort: 20,
    },
    { source: CLIENT, flags: 'SA', ports: [[21, 21]], packets: 1, destinationPort: 20 },
    { source: FIREWALL, flags: 'RA', ports: [[1025, 1025]], packets: 1, destinationPort: 20 },
  ]);
});

test('what the prober’s own kernel says to an answer is no probe and no packet of a transfer', () => {
  const seen = sightings();
  // It knows of no such connection, and resets it (RFC 9293 §3.10.7.1).
  expect(take(seen, plain({ flags: flagBits('R'), destinationPort: 21 }))).toBe(true);
  expect(seen.finish().map(({ kind }) => kind)).toEqual(['probe-reply']);
});

test('a capture with 70,000 probes and their answers is a handful of events', () => {
  const packets = new PacketEvents('inside', 21, sightings());
  // Made once and renumbered: the checksums of so many would be most of this test's time.
  const probe = frame();
  const answer = plain({ source: CLIENT, destination: PROBER, flags: flagBits('RA') });
  const send = (sourcePort: number, count: number): void => {
    for (let destinationPort = 1; destinationPort <= count; destinationPort += 1) {
      probe.writeUInt16BE(sourcePort, AT.sourcePort);
      probe.writeUInt16BE(destinationPort, AT.destinationPort);
      probe.writeUInt32BE(probeSequence(sourcePort, destinationPort), AT.sequence);
      answer.writeUInt16BE(destinationPort, AT.sourcePort);
      answer.writeUInt16BE(sourcePort, AT.destinationPort);
      for (const data of [probe, answer]) packets.add({ at: 1, length: data.length, data });
    }
  };
  send(20, 65_535);
  send(21, 4_465);
  const events = packets.finish();
  expect(events.map(({ kind }) => kind).sort()).toEqual(['probe', 'probe', 'probe-reply', 'probe-reply']);
  expect(probesOf(events).map(({ sourcePort, ports, packets: count }) => [sourcePort, ports, count])).toEqual(
    [
      [20, [[1, 65_535]], 65_535],
      [21, [[1, 4_465]], 4_465],
    ],
  );
  expect(repliesOf(events).map(({ ports, packets: count }) => [ports, count])).toEqual([
    [[[1, 65_535]], 65_535],
    [[[1, 4_465]], 4_465],
  ]);
});

describe('a lookalike is not taken', () => {
  const others = { source: SERVER, destination: CLIENT };

  test.each<[string, (data: Buffer) => void]>([
    ['the right window, and a mark that no probe has', (data) => data.writeUInt16BE(3, AT.identification)],
    ['the right window, and no mark', (data) => data.writeUInt16BE(0, AT.identification)],
    ['a right mark, and another window', (data) => data.writeUInt16BE(PROBE_WINDOW + 1, AT.window)],
    ['a right mark and number, and no window', (data) => data.writeUInt16BE(0, AT.window)],
  ])('%s', (_what, spoil) => {
    const seen = sightings();
    const data = frame(others);
    spoil(data);
    expect(take(seen, data)).toBe(false);
    expect(seen.finish()).toEqual([]);
  });

  test('a UDP packet, whatever stands where TCP has its window', () => {
    const seen = sightings();
    const data = frame();
    data.writeUInt8(17, 23);
    expect(take(seen, data)).toBe(false);
  });

  test('it stays a packet of its own, and the flood of them has its limit', () => {
    const packets = new PacketEvents('outside', 21, new ProbeSightings('outside', PLAN));
    const data = frame({ ...others, mark: 9 });
    for (let number = 0; number < 60_000; number += 1) {
      data.writeUInt16BE(1024 + (number % 3000), AT.sourcePort);
      data.writeUInt32BE(probeSequence(7, number % 65_536), AT.sequence);
      packets.add({ at: 1, length: data.length, data });
    }
    const events = packets.finish();
    const single = events.filter(({ kind }) => kind === 'packet');
    const flows = events.filter((event) => event.kind === 'flow');
    expect(single.length).toBe(50_000);
    expect(flows.length).toBeLessThanOrEqual(3000);
    expect(flows.reduce((sum, { packets: count }) => sum + count, 0)).toBe(10_000);
    expect(probesOf(events)).toEqual([]);
  });
});

describe('FTP is left alone', () => {
  test.each([
    [
      'a command, even with a probe’s marks',
      frame({ source: CLIENT, destination: SERVER, destinationPort: 21 }, 'PORT 10,0,0,10,4,1\r\n'),
    ],
    [
      'a reply',
      plain({ source: SERVER, destination: CLIENT, sourcePort: 21, flags: flagBits('PA') }, '226 Done\r\n'),
    ],
    ['bulk data', plain({ source: SERVER, destination: CLIENT, flags: flagBits('A') }, 'x'.repeat(1448))],
    ['the SYN of a data connection', plain({ source: SERVER, destination: CLIENT, sourcePort: 20 })],
    ['a bare acknowledgement', plain({ source: CLIENT, destination: SERVER, flags: flagBits('A') })],
  ])('%s', (_what, data) => {
    const seen = sightings();
    expect(take(seen, data)).toBe(false);
    expect(seen.finish()).toEqual([]);
  });

  test('beside a scan, a dialogue keeps its packets, its payload and its flows', () => {
    const packets = new PacketEvents('inside', 21, sightings());
    const add = (data: Buffer): void => {
      packets.add({ at: 1, length: data.length, data });
    };
    const control = { source: CLIENT, destination: SERVER, sourcePort: 40_000, destinationPort: 21 };
    add(frame());
    add(plain(control));
    add(plain({ ...control, flags: flagBits('PA') }, 'RETR file-1.bin\r\n'));
    add(plain({ ...control, flags: flagBits('A') }));
    add(plain({ ...control, flags: flagBits('A') }));
    const events = packets.finish();
    expect(events.map(({ kind }) => kind)).toEqual(['packet', 'packet', 'flow', 'probe']);
    expect(events[1]).toMatchObject({ payload: 'RETR file-1.bin\r\n', source: CLIENT });
    expect(events[2]).toMatchObject({ kind: 'flow', packets: 2 });
  });
});

test('where no probe is planned there is nothing to look for', () => {
  expect(sightings().expected).toBe(true);
  expect(new ProbeSightings('inside', { ...PLAN, probes: [] }).expected).toBe(false);
});
