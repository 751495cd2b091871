import type { Event22 } from '../../src/linux22';
import { MasqueradeEvents } from '../../src/observe/masquerade-events';
import type { ConntrackEvent, LogEvent } from '../../src/observe/event';
import type { RouterEvent } from '../../src/router/messages';
import { Bench, CLIENT, FIREWALL, FORWARDING, MASQUERADING, SERVER } from '../linux22/bench-firewall';

// What a Linux 2.2 firewall tells, in the words of connection tracking. The firewall is the real one.

/** Everything that happened on the bench, as events of an observation at a scale of ten. */
function told(bench: Bench, scale = 10): (Omit<ConntrackEvent, 'id'> | Omit<LogEvent, 'id'>)[] {
  const masquerade = new MasqueradeEvents(scale);
  return bench.events.flatMap((event: Event22) =>
    event.kind === 'rule-hit'
      ? []
      : masquerade.take({ type: 'event', at: event.at, event } satisfies RouterEvent),
  ) as (Omit<ConntrackEvent, 'id'> | Omit<LogEvent, 'id'>)[];
}

const table = (bench: Bench): Omit<ConntrackEvent, 'id'>[] =>
  told(bench).filter((event) => event.kind === 'conntrack');
const changes = (bench: Bench): string[] => table(bench).map(({ change, state }) => `${change} ${state}`);

function opened(lines: readonly string[] = [...MASQUERADING, 'modprobe ip_masq_ftp']): Bench {
  const bench = new Bench('2.2.14', lines);
  bench.out({ flags: 'S' });
  bench.back({ flags: 'SA' });
  bench.out({ flags: 'A' });
  return bench;
}

test('a connection from the inside: both its tuples, its helper, and timers in seconds of the run', () => {
  const [made, established] = table(opened());
  expect(made).toMatchObject({
    ...{ change: 'new', state: 'SYN_SENT', protocol: 'tcp', helper: 'ip_masq_ftp', timeout: 12 },
    original: { source: CLIENT, destination: SERVER, destinationPort: 21 },
    reply: { source: SERVER, destination: FIREWALL, sourcePort: 21, destinationPort: 61_000 },
  });
  expect(established).toMatchObject({ change: 'update', state: 'ESTABLISHED', timeout: 90 });
});

test('a data entry that PORT made is an expectation until the server dials', () => {
  const bench = opened();
  bench.out({ flags: 'PA', payload: 'PORT 10,0,0,2,4,2\r\n', sequence: 1001 });
  expect(changes(bench).slice(2)).toEqual(['expect-new LISTEN']);
  bench.back({ flags: 'S', sourcePort: 20, destinationPort: 61_001 });
  expect(changes(bench).slice(2)).toEqual(['expect-new LISTEN', 'expect-destroy LISTEN', 'new SYN_RECV']);
  const [, , expected, , data] = table(bench);
  expect(expected).toMatchObject({
    original: { source: SERVER, sourcePort: 0, destination: FIREWALL, destinationPort: 61_001 },
    master: { source: CLIENT, destination: SERVER, destinationPort: 21 },
    reply: null,
  });
  expect(data).toMatchObject({
    original: { source: SERVER, sourcePort: 20, destination: FIREWALL, destinationPort: 61_001 },
    reply: { source: CLIENT, sourcePort: 1026, destination: SERVER, destinationPort: 20 },
  });
  expect(told(bench).map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^ip_masq_ftp rewrote PORT: 10\.0\.0\.2:1026 became 203\.0\.113\.1:61001 \(/),
  );
});

test('one that never comes goes as an expectation, and what it belonged to is kept and then expires', () => {
  const bench = opened();
  bench.wait(850);
  bench.out({ flags: 'PA', payload: 'PORT 10,0,0,2,4,2\r\n', sequence: 1001 });
  bench.wait(121);
  expect(changes(bench).slice(2)).toEqual([
    'expect-new LISTEN',
    'refresh ESTABLISHED',
    'expect-destroy LISTEN',
  ]);
  bench.wait(900);
  expect(changes(bench).at(-1)).toBe('destroy ESTABLISHED');
  expect(table(bench).at(-1)?.timeout).toBeNull();
});

test('a timer that has run out while a data entry points at it is told of as kept', () => {
  const bench = opened();
  bench.out({ flags: 'PA', payload: 'PORT 10,0,0,2,4,2\r\n', sequence: 1001 });
  bench.back({ flags: 'S', sourcePort: 20, destinationPort: 61_001 });
  bench.out({ flags: 'SA', sourcePort: 1026, destinationPort: 20 });
  for (let minute = 0; minute < 16; minute += 1) {
    bench.wait(60);
    bench.back({ flags: 'A', sourcePort: 20, destinationPort: 61_001 });
  }
  const kept = table(bench).filter(({ text }) => text.startsWith('KEPT for its data connection'));
  expect(kept).toMatchObject([{ change: 'refresh', state: 'ESTABLISHED', timeout: 12 }]);
});

test('a forwarded connection is the world’s', () => {
  const bench = new Bench('2.2.14', FORWARDING);
  bench.back({ flags: 'S', sourcePort: 1025, destinationPort: 21 });
  expect(table(bench)[0]).toMatchObject({
    original: { source: SERVER, sourcePort: 1025, destination: FIREWALL, destinationPort: 21 },
    reply: { destination: SERVER, destinationPort: 1025, sourcePort: 21 },
    text: expect.stringContaining('forwarded') as string,
  });
});

test('each packet starts the timer anew; of those in close order only the first and the last are told', () => {
  const bench = opened();
  for (let count = 0; count < 1000; count += 1) {
    bench.wait(0.01);
    bench.out({ flags: 'A' });
  }
  bench.wait(900);
  const [first, ...others] = table(bench)
    .slice(1)
    .filter(({ change }) => change !== 'new');
  expect([first?.change, ...others.map(({ change }) => change)]).toEqual(['update', 'refresh', 'destroy']);
  expect((others[1]?.at ?? 0) - (others[0]?.at ?? 0)).toBeCloseTo(900, 6);
});
