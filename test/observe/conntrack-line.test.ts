import { parseConntrackLine } from '../../src/observe/conntrack-line';

// Lines as conntrack 1.4.7 prints them.

test('a new connection, translated', () => {
  expect(
    parseConntrackLine(
      '[1795345931.825129]\t    [NEW] tcp      6 120 SYN_SENT src=10.0.0.10 dst=203.0.113.20 sport=57554 dport=21 [UNREPLIED] src=203.0.113.20 dst=203.0.113.1 sport=21 dport=57554 helper=ftp',
    ),
  ).toMatchObject({
    at: 1795345931.825129,
    change: 'new',
    protocol: 'tcp',
    state: 'SYN_SENT',
    original: { source: '10.0.0.10', destination: '203.0.113.20', sourcePort: 57554, destinationPort: 21 },
    reply: { source: '203.0.113.20', destination: '203.0.113.1', sourcePort: 21, destinationPort: 57554 },
    master: null,
    helper: 'ftp',
  });
});

test('microseconds come without leading zeros', () => {
  const line =
    '[1795345931.64946 ]\t[DESTROY] tcp      6 src=10.0.0.10 dst=203.0.113.20 sport=1 dport=21 src=203.0.113.20 dst=203.0.113.1 sport=21 dport=1 [ASSURED]';
  expect(parseConntrackLine(line)).toMatchObject({ at: 1795345931.064946, change: 'destroy', state: '' });
});

test('an expectation, with its control connection', () => {
  expect(
    parseConntrackLine(
      '[1795345931.825653]\t    [NEW] 300 proto=6 src=203.0.113.20 dst=203.0.113.1 sport=0 dport=50001 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 master-src=10.0.0.10 master-dst=203.0.113.20 sport=57554 dport=21 class=0 helper=ftp',
    ),
  ).toMatchObject({
    change: 'expect-new',
    protocol: 'tcp',
    original: { source: '203.0.113.20', destination: '203.0.113.1', sourcePort: 0, destinationPort: 50001 },
    reply: null,
    master: { source: '10.0.0.10', destination: '203.0.113.20', sourcePort: 57554, destinationPort: 21 },
    helper: 'ftp',
  });
});

test.each(['', 'conntrack v1.4.7', '[1795345931.825129]\t [NEW] tcp 6 120', '[x.y] [NEW] src=1'])(
  'no event: %j',
  (line) => {
    expect(parseConntrackLine(line)).toBeNull();
  },
);
