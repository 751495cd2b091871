import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { FIRST_PORT, LAST_PORT, type EntryView } from '../../src/linux22';
import { Bench, CLIENT, FIREWALL, FORWARDING, SERVER, seen } from './bench-firewall';
import { tcp, udp } from './packets';

const HOSTS = [CLIENT, '10.0.0.3'];
const SERVERS = [SERVER, '203.0.113.10', '192.0.2.7'];
const FLAGS = ['S', 'SA', 'A', 'PA', 'FA', 'R', ''];
const TEXTS = [
  '',
  'PASV\r\n',
  '227 Entering Passive Mode (203,0,113,9,19,137)\r\n',
  'PORT 10,0,0,2,4,2\r\n',
  'PORT 10,0,0,3,4,3\r\n',
];
const TYPED = [
  'ipchains -M -S 60 10 20',
  'ipchains -M -S 7200 10 160',
  'ipchains -Z',
  'rmmod ip_masq_ftp',
  'modprobe ip_masq_ftp',
];

type Step =
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'type'; readonly line: string }
  | {
      readonly do: 'send';
      readonly from: 'inside' | 'outside';
      readonly udp: boolean;
      readonly host: string;
      readonly server: string;
      readonly port: number;
      readonly serverPort: number;
      readonly flags: string;
      readonly text: string;
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      seconds: fc.oneof(fc.nat(200), fc.double({ min: 0, max: 3, noNaN: true })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('type' as const), line: fc.constantFrom(...TYPED) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      from: fc.constantFrom('inside' as const, 'outside' as const),
      udp: fc.boolean(),
      host: fc.constantFrom(...HOSTS),
      server: fc.constantFrom(...SERVERS),
      // outside: which of the firewall's ports; inside: the host's own
      port: fc.nat(6),
      serverPort: fc.constantFrom(21, 20, 5001),
      flags: fc.constantFrom(...FLAGS),
      text: fc.constantFrom(...TEXTS),
    }),
  },
);

describe('any interleaving of packets, commands and clock steps', () => {
  test('keeps the table consistent, the counters right, and inside addresses inside', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const bench = new Bench('2.2.19', [
          ...FORWARDING,
          'modprobe ip_masq_ftp in_ports=21',
          'ipchains -A input',
          'ipchains -A input -p tcp -j ACCEPT',
        ]);
        const tally = { packets: 0, bytes: 0, tcp: 0, zeroed: 0 };
        for (const one of steps) {
          play(bench, one, tally);
          checkTable(bench);
          checkEvents(bench);
        }
        checkCounters(bench, tally);
      }),
      { numRuns: 400, seed: 22 },
    );
  });
});

function play(
  bench: Bench,
  one: Step,
  tally: { packets: number; bytes: number; tcp: number; zeroed: number },
): void {
  if (one.do === 'wait') {
    // Half of the time nobody calls tick: receive lets expire what is due.
    bench.now += one.seconds;
    if (one.seconds % 2 < 1) bench.firewall.tick(bench.now);
    else bench.firewall.run('lsmod', bench.now);
    return;
  }
  if (one.do === 'type') {
    bench.firewall.run(one.line, bench.now);
    if (one.line === 'ipchains -Z')
      Object.assign(tally, {
        packets: 0,
        bytes: 0,
        tcp: 0,
        zeroed: tally.zeroed + tally.packets - tally.tcp,
      });
    return;
  }
  const inside = {
    source: one.host,
    destination: one.server,
    sourcePort: 1025 + one.port,
    destinationPort: one.serverPort,
  };
  const outside = {
    source: one.server,
    destination: FIREWALL,
    sourcePort: one.serverPort,
    destinationPort: one.port === 6 ? 21 : FIRST_PORT + one.port,
  };
  const fields = { ...(one.from === 'inside' ? inside : outside), payload: one.text };
  const packet = one.udp ? udp(fields) : tcp({ ...fields, flags: one.flags });
  tally.packets += 1;
  tally.bytes += packet.length;
  if (!one.udp) tally.tcp += 1;
  for (const sent of seen(bench.from(one.from, packet))) {
    const leaks = sent.to === 'outside' && sent.source.startsWith('10.0.0.');
    if (leaks) throw new Error(`untranslated: ${JSON.stringify({ ...sent, body: '' })}`);
    if (sent.to === 'inside' && !HOSTS.includes(sent.destination))
      throw new Error(`to nobody: ${sent.destination}`);
  }
}

function checkTable({ firewall, now }: Bench): void {
  const entries = firewall.entries();
  const keys = entries.map((entry) => inboundKey(entry));
  if (new Set(keys).size !== keys.length) throw new Error(`two entries with one key: ${keys.join(', ')}`);
  for (const entry of entries) {
    if (entry.expires <= now) throw new Error(`past its deadline: ${JSON.stringify(entry)}`);
    if (entry.expires > now + entry.timeout) throw new Error(`lives too long: ${JSON.stringify(entry)}`);
    const handedOut = entry.outside.port >= FIRST_PORT && entry.outside.port <= LAST_PORT;
    if (handedOut === entry.forwarded) throw new Error(`odd port: ${JSON.stringify(entry)}`);
    if (entry.control !== null && !entries.some(({ id }) => id === entry.control))
      throw new Error(`its control connection is gone: ${JSON.stringify(entry)}`);
  }
  const next = entries.length === 0 ? null : Math.min(...entries.map(({ expires }) => expires));
  if (firewall.deadline() !== next) throw new Error(`deadline ${firewall.deadline()}, and ${next} is next`);
}

/** By what a packet from the world finds an entry: UDP's by its port alone. */
function inboundKey({ protocol, outside, remote }: EntryView): string {
  return protocol === 'udp'
    ? `udp ${outside.port}`
    : `${protocol} ${outside.port} ${remote.address} ${remote.port}`;
}

/** Who listens from the start knows the table by heart. */
function checkEvents(bench: Bench): void {
  const known = new Map<number, string>();
  for (const event of bench.events) {
    if (event.kind !== 'masquerade') continue;
    const { change, entry } = event;
    if ((change === 'new') === known.has(entry.id)) throw new Error(`${change} of ${entry.id}`);
    if (change === 'expired') known.delete(entry.id);
    else known.set(entry.id, entry.state);
  }
  const told = JSON.stringify([...known]);
  const there = JSON.stringify(bench.firewall.entries().map(({ id, state }) => [id, state]));
  if (told !== there) throw new Error(`told of ${told}, there are ${there}`);
}

function checkCounters(
  bench: Bench,
  tally: { packets: number; bytes: number; tcp: number; zeroed: number },
): void {
  const [all, accepted] = bench.firewall.ruleCounters();
  const listed = bench.type('ipchains -L input -v');
  const policy = Number(/policy ACCEPT: (\d+) packets/.exec(listed)?.[1]);
  const found = [all?.packets, all?.bytes, accepted?.packets, policy];
  // -Z leaves what fell to the policy.
  const expected = [tally.packets, tally.bytes, tally.tcp, tally.packets - tally.tcp + tally.zeroed];
  if (found.join() !== expected.join())
    throw new Error(`counted ${found.join()}, expected ${expected.join()}`);
}
