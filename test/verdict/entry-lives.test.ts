import { makePlan } from '../../src/plan/make-plan';
import type { Plan } from '../../src/plan/plan';
import { loadScenario } from '../../src/scenario/load';
import type { ConntrackEvent, FlowEvent, LabEvent, PacketEvent } from '../../src/observe/event';
import { entryLives, type EntryLife } from '../../src/verdict/entry-lives';
import { scenarioWith } from '../support';

// When an entry's timer was set, and when it ran out: from what the firewall told, and from packets.

const CLIENT = { source: '10.0.0.10', sourcePort: 40_000, destination: '203.0.113.20', destinationPort: 21 };
const REPLY = { source: '203.0.113.20', sourcePort: 21, destination: '203.0.113.1', destinationPort: 40_000 };

let ids = 0;

function told(
  at: number,
  change: ConntrackEvent['change'],
  state: string,
  timeout: number | null = null,
): ConntrackEvent {
  ids += 1;
  return {
    ...{
      kind: 'conntrack',
      id: `c${ids}`,
      at,
      vantage: 'conntrack',
      text: '',
      change,
      protocol: 'tcp',
      state,
    },
    ...{ timeout, original: CLIENT, reply: REPLY, master: null, helper: null },
  };
}

/** A packet as it came to the firewall: from the client on the inside, from the server on the outside. */
function packet(at: number, by: 'client' | 'server', length = 0): PacketEvent {
  ids += 1;
  const leg = by === 'client' ? 'inside' : 'outside';
  const ends = by === 'client' ? CLIENT : REPLY;
  return {
    ...{ kind: 'packet', id: `p${ids}`, at, vantage: `firewall ${leg}`, text: '', leg, ...ends },
    ...{ protocol: 'tcp', flags: 'A', sequence: ids, length, payload: '' },
  };
}

function flow(times: readonly number[], by: 'client' | 'server', kept: boolean, bytes = 0): FlowEvent {
  const { leg, vantage, id } = packet(0, by);
  const [at = 0, until = at] = [times[0], times.at(-1)];
  const ends = by === 'client' ? CLIENT : REPLY;
  return {
    ...{ kind: 'flow', id, at, until, vantage, text: '', leg, ...ends },
    ...{ packets: times.length, bytes, times: kept ? times : null },
  };
}

function end(at: number): LabEvent {
  ids += 1;
  return {
    ...{
      kind: 'step',
      id: `s${ids}`,
      at,
      vantage: 'lab',
      text: '',
      transfer: null,
      phase: 'end',
      error: null,
    },
  };
}

const HANDSHAKE = (): LabEvent[] => [
  told(0, 'new', 'SYN_SENT', 120),
  told(0.001, 'update', 'SYN_RECV', 60),
  told(0.002, 'update', 'ESTABLISHED', 10),
];

function plan(timeouts = 'established: 10s'): Plan {
  const file = scenarioWith([['policy: drop', `policy: drop\n  timeouts: { ${timeouts} }`]]);
  return makePlan(loadScenario(file), { capture: true, engine: 'netns' });
}

function lives(events: readonly LabEvent[], captured = true, of = plan()): EntryLife[] {
  return entryLives(
    of,
    [...events].sort((a, b) => a.at - b.at),
    new Set(),
    captured,
  );
}

function life(events: readonly LabEvent[], captured = true, of = plan()): EntryLife {
  const [first] = lives(events, captured, of);
  if (!first) throw new Error('no entry');
  return first;
}

test('it expires when the timer that its last packet set has run out, not when that is told', () => {
  const one = life([...HANDSHAKE(), packet(1, 'client'), told(25, 'destroy', 'ESTABLISHED'), end(30)]);
  expect(one).toMatchObject({ expiredAt: 11, goneAt: 25, closed: false });
  expect(one.moments.at(-1)).toMatchObject({ at: 1, change: 'refreshed', by: 'client', timeout: 10 });
  expect(one.moments.at(-1)?.left).toBeCloseTo(9.002, 6);
});

test('one that nobody has told of yet has expired all the same', () => {
  expect(life([...HANDSHAKE(), packet(1, 'client'), end(30)])).toMatchObject({ expiredAt: 11, goneAt: null });
  expect(life([...HANDSHAKE(), packet(1, 'client'), end(10.9)])).toMatchObject({ expiredAt: null });
});

test('a packet that comes too late is not its own any more', () => {
  const one = life([...HANDSHAKE(), packet(1, 'client'), packet(11.5, 'server', 20), end(30)]);
  expect(one.expiredAt).toBe(11);
  expect(one.moments).toHaveLength(4);
});

test('packets in both directions set the timer, each where it comes in, and once', () => {
  const outside = { ...packet(5, 'client'), ...{ leg: 'outside' as const, source: '203.0.113.1' } };
  const one = life([...HANDSHAKE(), packet(5, 'client'), outside, packet(9, 'server'), end(18)]);
  expect(one.moments.map(({ at, by }) => [at, by]).slice(3)).toEqual([
    [5, 'client'],
    [9, 'server'],
  ]);
  expect(one.expiredAt).toBeNull();
});

test('data that nobody has acknowledged keeps it for a shorter time (nf_conntrack_tcp_timeout_unacknowledged)', () => {
  const short = plan('established: 10s, unacknowledged: 4s');
  expect(life([...HANDSHAKE(), packet(1, 'server', 20), end(30)], true, short).expiredAt).toBe(5);
  const acknowledged = [...HANDSHAKE(), packet(1, 'server', 20), packet(1.1, 'client'), end(30)];
  expect(life(acknowledged, true, short).expiredAt).toBeCloseTo(11.1, 6);
});

test('a timeout that is changed is that of the next packet, not of the running timer', () => {
  const change: LabEvent = {
    ...{ kind: 'timeouts', id: 't1', at: 3, vantage: 'lab', text: '', timeouts: { established: 100 } },
  };
  expect(life([...HANDSHAKE(), packet(1, 'client'), change, end(30)]).expiredAt).toBe(11);
  const one = life([...HANDSHAKE(), packet(1, 'client'), change, packet(5, 'client'), end(200)]);
  expect(one.expiredAt).toBe(105);
});

test('of a flow too long to keep each packet’s time, the ends are known and no pause is made up between', () => {
  const kept = [...HANDSHAKE(), flow([1, 20], 'client', true), end(40)];
  expect(life(kept).expiredAt).toBe(11);
  const busy = [...HANDSHAKE(), flow([1, 20], 'client', false, 5000), end(40)];
  expect(life(busy).expiredAt).toBe(30);
});

test('what the firewall tells while a flow too long to keep each packet’s time goes on is of the same entry', () => {
  // The last packet closes the connection, and conntrack’s clock is a little behind.
  const closing = [
    ...HANDSHAKE(),
    flow([1, 20], 'client', false, 5000),
    told(19.999, 'update', 'FIN_WAIT', 120),
  ];
  expect(life([...closing, end(40)])).toMatchObject({ closed: true, expiredAt: null });
  const after = [...HANDSHAKE(), flow([1, 20], 'client', false, 5000), told(31, 'update', 'FIN_WAIT', 120)];
  expect(life([...after, end(40)])).toMatchObject({ closed: false, expiredAt: 30 });
});

test('without captures nobody knows which packet was the last: the firewall’s word is all there is', () => {
  expect(life([...HANDSHAKE(), end(30)], false)).toMatchObject({ expiredAt: null });
  const gone = [...HANDSHAKE(), told(25, 'destroy', 'ESTABLISHED'), end(30)];
  expect(life(gone, false)).toMatchObject({ expiredAt: 25 });
});

test('one that went before its time went when it was told, and one that was closed did not expire', () => {
  const early = [...HANDSHAKE(), packet(1, 'client'), told(4, 'destroy', 'ESTABLISHED'), end(30)];
  expect(life(early)).toMatchObject({ expiredAt: 4, closed: false });
  const closed = [
    ...HANDSHAKE(),
    told(2, 'update', 'TIME_WAIT', 120),
    told(4, 'destroy', 'TIME_WAIT'),
    end(30),
  ];
  expect(life(closed)).toMatchObject({ expiredAt: null, closed: true });
});

test('a connection that is taken up again has an entry of its own', () => {
  const again = [told(15, 'new', 'ESTABLISHED', 10), packet(16, 'server')];
  const both = lives([
    ...HANDSHAKE(),
    packet(1, 'client'),
    told(15, 'destroy', 'ESTABLISHED'),
    ...again,
    end(20),
  ]);
  expect(both.map(({ expiredAt }) => expiredAt)).toEqual([11, null]);
  expect(both[1]?.moments.map(({ at }) => at)).toEqual([15, 16]);
});

test('a firewall that tells of every refreshing is believed, whatever else crossed it', () => {
  const refreshed = told(3, 'refresh', 'ESTABLISHED', 10);
  const one = life([...HANDSHAKE(), refreshed, packet(8, 'client'), end(30)], false);
  expect(one.moments.at(-1)).toMatchObject({ at: 3, change: 'refreshed' });
  expect(one.expiredAt).toBe(13);
});

test('where the firewall tells another timeout than the state’s, it is believed', () => {
  const one = life([...HANDSHAKE(), told(5, 'update', 'ESTABLISHED', 40), end(60)]);
  expect(one.expiredAt).toBe(45);
});

test('the entries of a port scan are nobody’s session', () => {
  const scanned = { ...told(1, 'new', 'SYN_SENT', 120), original: { ...CLIENT, destinationPort: 6000 } };
  expect(lives([scanned, end(2)])).toEqual([]);
});
