import type { RawEvent } from '../../src/observe/event';
import { capturedAs } from '../../src/observe/trace-captured';

// A trace tells of a packet by its headers alone; which captured one it is must not be guessed.

const ENDS = {
  protocol: 'tcp',
  source: '10.0.0.10',
  sourcePort: 1025,
  destination: '203.0.113.20',
  destinationPort: 21,
  flags: 'S',
  identification: 7,
} as const;

function traced(headers: object = {}): RawEvent {
  const packet = { ...ENDS, in: 'inside', out: null, totalLength: 60, ...headers };
  return {
    kind: 'trace',
    vantage: 'trace',
    text: '',
    at: 9,
    packet,
    captured: null,
    steps: [],
    fate: 'passed',
  };
}

function captured(at: number, headers: object = {}): RawEvent {
  const rest = { kind: 'packet', leg: 'inside', vantage: 'firewall inside', text: '', payload: '' } as const;
  return { ...rest, ...ENDS, sequence: 1, length: 0, at, ...headers };
}

test('of packets that look alike the first is the first', () => {
  const [again, first] = [captured(2), captured(1)];
  const traces = [traced(), traced()];
  const pairs = capturedAs([again, first, ...traces]);
  expect(traces.map((trace) => pairs.get(trace))).toEqual([first, again]);
});

test('one that was sent again is told from the first, wherever the record ends', () => {
  const [first, again] = [captured(1), captured(2, { identification: 8 })];
  const trace = traced({ identification: 8 });
  expect(capturedAs([first, again, trace]).get(trace)).toBe(again);
});

test('what the firewall sends is on the leg it leaves by', () => {
  const answer = traced({ in: null, out: 'outside', flags: 'RA' });
  const packets = [
    captured(1, { flags: 'RA' }),
    captured(1, { flags: 'RA', leg: 'outside', vantage: 'firewall outside' }),
  ];
  expect(capturedAs([...packets, answer]).get(answer)).toBe(packets[1]);
});

test.each([
  ['one more was captured', [captured(1), captured(2)], [traced()]],
  ['one more was traced', [captured(1)], [traced(), traced()]],
  ['none was captured', [], [traced()]],
  ['it was on the other leg', [captured(1, { leg: 'outside' })], [traced()]],
  ['it went to another port', [captured(1, { destinationPort: 22 })], [traced()]],
  ['it was another of the kind', [captured(1, { identification: 8 })], [traced()]],
  ['it had other flags', [captured(1, { flags: 'SA' })], [traced()]],
])('where %s, nothing is said', (_why, packets, traces) => {
  expect(capturedAs([...packets, ...traces]).size).toBe(0);
});
