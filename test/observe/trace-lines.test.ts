import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineSplitter } from '../../src/agent/lines';
import { listed, NftListing } from '../../src/firewall/nftables/listing';
import type { RawEvent } from '../../src/observe/event';
import { TraceLines } from '../../src/observe/trace-lines';
import { noRow, TracePackets, type RowOf } from '../../src/observe/trace-packets';
import { iptablesRows, nftRows } from '../../src/observe/trace-rows';

// Transcripts of nftables 1.0.6 on Linux 6.18, shortened, and texts that were written to deceive.

type Trace = Extract<RawEvent, { kind: 'trace' }>;

function transcript(name: string): string {
  return readFileSync(join(__dirname, 'traces', name), 'utf8');
}

function read(
  text: string,
  rowOf: RowOf = noRow,
  whole = true,
): { events: Trace[]; unread: number; lost: number } {
  const lines = new TraceLines();
  const packets = new TracePackets();
  let lost = 0;
  for (const line of new LineSplitter(65_536).push(text)) {
    const told = lines.push(line);
    if (told === 'lost') {
      lost += 1;
      packets.tear();
    } else if (told) packets.add(told, 1);
  }
  return { events: packets.finish(whole, rowOf) as Trace[], unread: lines.unread, lost };
}

const HEAD = 'trace id 0000000a ip t f';
const PACKET =
  'iif "in" ip saddr 10.1.0.2 ip daddr 10.2.0.2 ip ttl 64 ip id 7 ip length 60 tcp sport 1 tcp dport 2 tcp flags == syn tcp window 9';
const ARRIVED = `trace id 0000000a inet lab_trace arrived packet: ${PACKET} `;
const LEFT = 'trace id 0000000a inet lab_trace left policy accept ';

/** What becomes of a packet that arrives, has these lines told of it, and leaves. */
function between(...lines: readonly string[]): { steps: string[]; fate: string | undefined; unread: number } {
  const { events, unread } = read([ARRIVED, ...lines, LEFT, ''].join('\n'));
  const [first] = events;
  const steps =
    first?.steps.map(
      ({ chain, handle, verdict }) => `${chain.replace('ip t ', '')} ${handle ?? 'end'} ${verdict}`,
    ) ?? [];
  return { steps, fate: events.length === 1 ? first?.fate : `${events.length} packets`, unread };
}

test('real text: rejected, dropped, and the firewall’s own packets told in between', () => {
  const { events, unread } = read(transcript('nft.txt'));
  expect(unread).toBe(0);
  expect(events.map(({ text }) => text.replace(/:\d{5}/g, ''))).toEqual([
    '10.1.0.2 → 10.2.0.2:25 TCP S: t helper accept; t dn accept; t f #19 jump sub; t sub #13 continue; t f #21 drop; dropped',
    '10.2.0.2:25 → 10.1.0.2 TCP RA: t post accept; passed',
    '10.1.0.2 → 10.2.0.2:9 UDP: t helper accept; t dn accept; t f #19 jump sub; t sub #13 continue; t f #22 drop; dropped',
    '10.1.0.1 → 10.1.0.2 ICMP type 3 code 3: passed',
    '10.1.0.2 → 10.2.0.2:98 TCP S: t helper accept; t dn accept; t f #19 jump sub; t sub #13 continue; t sub #14 goto sub2; t sub2 #15 continue; t f drop; dropped',
    '10.1.0.2 → 10.1.0.1:23 TCP S: t helper accept; t dn accept; t inp #23 drop; dropped',
  ]);
});

test('real text in numbers: translation is seen in the chain after it', () => {
  const { events, unread } = read(transcript('nft-numeric.txt'));
  expect(unread).toBe(0);
  expect(events.map(({ text }) => text)).toEqual([
    '10.1.0.2:56884 → 10.2.0.1:80 TCP S: t helper accept; t dn #11 accept; t f #19 jump sub; t sub #13 continue; t f #20 accept; t post #24 accept; passed',
    '10.1.0.1 → 10.1.0.2 ICMP type 3 code 3: passed',
  ]);
  expect(
    events[0]?.steps.map(
      ({ packet }) => packet && `${packet.destination}:${packet.destinationPort} ${packet.out ?? '-'}`,
    ),
  ).toEqual([null, null, '10.2.0.2:21 out', null, null, null]);
});

test('real text with newlines in a rule: no line of it is taken for another', () => {
  const { events, unread } = read(transcript('newlines.txt'));
  expect(unread).toBe(0);
  expect(events.map(({ text, fate, packet }) => [text.split(': ')[1], fate, packet.out])).toEqual([
    ['x out #4 continue; x out accept; x out2 #5 continue; x out2 accept; unknown', 'unknown', '3'],
  ]);
});

test.each([
  ['a comment', 'rule tcp dport 2 accept comment "x # handle 9 (verdict drop)" # handle 4 (verdict accept)'],
  ['a log prefix', 'rule log prefix "# handle 9 (verdict drop)" accept # handle 4 (verdict accept)'],
  ['a quote in a log prefix', 'rule log prefix "a"b" accept # handle 4 (verdict accept)'],
  ['a comment of two lines', 'rule comment "x # handle 9 (verdict drop)\ny" # handle 4 (verdict accept)'],
  ['a comment that ends a packet', `rule comment "x\n${HEAD} policy drop \n" # handle 4 (verdict accept)`],
  [
    'a comment that begins one',
    `rule comment "x\n${ARRIVED.replace('iif "in" ', '')}\n" # handle 4 (verdict accept)`,
  ],
  ['a rule nft does not know', 'unknown rule handle 4 (verdict accept)'],
  ['an interface', 'rule iifname "in" accept # handle 4 (verdict accept) '],
])('%s deceives nobody', (_what, line) => {
  expect(between(`${HEAD} ${line}`)).toEqual({ steps: ['f 4 accept'], fate: 'passed', unread: 0 });
});

test('verdicts of every form', () => {
  const line = (verdict: string): string => `${HEAD} rule counter # handle 4 (verdict ${verdict})`;
  expect(
    between(
      line('jump a)b'),
      line('goto x'),
      line('return'),
      `${HEAD} verdict continue meta mark 0x00000005 `,
    ),
  ).toEqual({
    steps: ['f 4 jump a)b', 'f 4 goto x', 'f 4 return', 'f end continue'],
    fate: 'passed',
    unread: 0,
  });
  expect(between(line('drop')).fate).toBe('dropped');
  expect(between(line('queue')).fate).toBe('unknown');
  expect(between(`${HEAD} policy drop `).fate).toBe('dropped');
});

test('a line that is cut, or of no known form, is counted and is no step', () => {
  expect(
    between(`${HEAD} rule ip saddr { ${'10.0.0.1, '.repeat(10_000)} } accept # handle 4 (verdict accept)`),
  ).toEqual({ steps: [], fate: 'passed', unread: 1 });
  expect(between('trace id 0000000a ip t f something else', 'whatever')).toEqual({
    steps: [],
    fate: 'passed',
    unread: 2,
  });
  // A text without an end takes no more than some lines with it.
  expect(
    between(`${HEAD} rule comment "x`, ...Array.from({ length: 20 }, () => `${HEAD} policy accept `)),
  ).toEqual({
    steps: Array.from({ length: 4 }, () => 'f end accept'),
    fate: 'passed',
    unread: 17,
  });
});

test('ids come again: each arrival is a packet of its own', () => {
  const rule = (handle: number): string => `${HEAD} rule accept # handle ${handle} (verdict accept)`;
  const { events } = read([ARRIVED, rule(1), ARRIVED, rule(2), LEFT, ARRIVED, rule(3), ''].join('\n'));
  expect(events.map(({ steps, fate }) => [steps.map(({ handle }) => handle), fate])).toEqual([
    [[1], 'passed'],
    [[2], 'passed'],
    [[3], 'passed'],
  ]);
});

test('after a loss, and where the end is missing, nobody knows what became of a packet', () => {
  const lost = '# ERROR: We lost some netlink events!';
  const text = [ARRIVED, lost, ''].join('\n');
  expect(read(text)).toMatchObject({ lost: 1, events: [{ fate: 'unknown' }] });
  expect(read(`${ARRIVED}\n`, noRow, false).events).toMatchObject([{ fate: 'unknown' }]);
  // Another packet of the same id, whose arrival was lost.
  const other = `trace id 0000000a ip t f packet: ${PACKET.replace('ip id 7', 'ip id 8')} `;
  const { events } = read([ARRIVED, lost, other, `${HEAD} policy drop `, ''].join('\n'));
  expect(events.map(({ packet, steps, fate }) => [packet.identification, steps.length, fate])).toEqual([
    [7, 0, 'unknown'],
    [8, 1, 'dropped'],
  ]);
});

test('twenty thousand packets are told of, and the others counted', () => {
  const packets = new TracePackets();
  const [arrived, left] = [ARRIVED, LEFT].map((line) => new TraceLines().push(line));
  for (let n = 0; n < 20_007; n += 1) {
    for (const told of [arrived, left]) if (told && told !== 'lost') packets.add(told, n);
  }
  expect(packets.finish(true)).toHaveLength(20_000);
  expect(packets.untold).toBe(7);
});

test('no text makes the reader fail', () => {
  const words = fc.constantFrom(
    'trace id 0000000a',
    ' ip t f ',
    'rule ',
    'packet: ',
    ' # handle 4 (verdict ',
    ')',
    '"',
    '\n',
    'policy accept',
    ARRIVED,
    'iif "',
    'x',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 40 }), (parts) => {
      expect(() => read(parts.join(''))).not.toThrow();
    }),
  );
});

describe('rows', () => {
  const saved = transcript('iptables.save');
  const listing = listed(transcript('iptables.json'));

  test('iptables’ are found by their order, a row of several rules by each', () => {
    const rowOf = iptablesRows(saved, listing);
    expect([3, 4, 5, 6, 7, 8, 9].map((handle) => rowOf('ip filter FORWARD', handle))).toEqual([
      2, 3, 4, 4, 5, 6, 7,
    ]);
    expect(rowOf('ip filter mine', 13)).toBe(10);
    expect(rowOf('ip nat POSTROUTING', 2)).toBeNull();
    expect(rowOf('ip filter FORWARD', null)).toBe('policy');
    expect(rowOf('ip6 filter FORWARD', 3)).toBeNull();
    expect(rowOf('ip filter FORWARD', 99)).toBeNull();
    expect(
      read(transcript('iptables.txt'), rowOf).events.map(({ steps }) => steps.map(({ row }) => row)),
    ).toEqual([
      [null, 3, 6, 'policy'],
      [null, 3, 9, 'policy'],
    ]);
  });

  test('of a chain whose rules are not as many in both nothing is said', () => {
    const more = saved.replace('[0:0] -A mine', '[0:0] -A mine -j ACCEPT\n[0:0] -A mine');
    expect(iptablesRows(more, listing)('ip filter mine', 13)).toBeNull();
    expect(iptablesRows(more, listing)('ip filter FORWARD', 3)).toBe(2);
    // A comment over two lines, the second of which looks like a rule.
    const fake = saved.replace('"x # handle 9', '"x\n[0:0] -A mine # handle 9');
    expect(iptablesRows(fake, listing)('ip filter mine', 13)).toBeNull();
  });

  test('nft’s are found by where they stood when they were loaded', () => {
    const rule = (handle: number) => ({
      rule: { family: 'ip', table: 't', chain: 'f', handle, expr: [] },
    });
    const chain = { chain: { family: 'ip', table: 't', name: 'f', type: 'filter', hook: 'forward' } };
    const listing = new NftListing([chain, rule(4), rule(6), rule(5)]);
    const rowOf = nftRows(listing, new Map([['ip t f', [1, null, 'policy']]]));
    expect([4, 6, 5, 7, null].map((handle) => rowOf('ip t f', handle))).toEqual([
      1,
      null,
      'policy',
      null,
      'policy',
    ]);
    expect(rowOf('ip t g', 4)).toBeNull();
    expect(rowOf('ip t g', null)).toBeNull();
  });
});
