import { buildSync } from 'esbuild';
import { join } from 'node:path';
import { sandboxCommand } from '../../src/engine/netns/sandbox';
import type { RawEvent, TraceRecord } from '../../src/observe/event';
import { documentIn, lab, run, scratch } from '../support';

// Real packets through real rulesets, in the sandbox, and what the kernel's trace says of them.

type Trace = Extract<RawEvent, { kind: 'trace' }>;
interface Traced {
  readonly record: TraceRecord;
  readonly events: readonly Trace[];
  readonly connections: string;
}

let program: string;
beforeAll(() => {
  program = join(scratch(), 'trace.js');
  buildSync({
    entryPoints: [join(__dirname, 'trace-program.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
  });
});

async function traced(setUp: string): Promise<Traced> {
  const { code, stdout, stderr } = await run(sandboxCommand([process.execPath, program, setUp]));
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Traced;
}

const WHOLE: TraceRecord = { why: null, overflows: 0, untold: 0, unread: 0 };

/** The ways of the packets that a test names, one line each; the ports of this system's choice are left out. */
function ways({ events }: Traced, wanted: (packet: Trace['packet']) => boolean): string[] {
  return events
    .filter(({ packet }) => wanted(packet))
    .map(({ packet, steps, fate }) => {
      const way = steps.map(
        ({ chain, row, verdict }) => `${chain.replace(/^.* /, '')} ${row ?? '-'} ${verdict}`,
      );
      return `${packet.flags || packet.protocol}: ${[...way, fate].join('; ')}`;
    });
}

const to =
  (port: number, flags?: string) =>
  (packet: Trace['packet']): boolean =>
    packet.destinationPort === port && (flags ?? packet.flags) === packet.flags;
const from =
  (port: number) =>
  (packet: Trace['packet']): boolean =>
    packet.sourcePort === port;

describe('rules that nft has loaded', () => {
  let seen: Traced;
  beforeAll(async () => {
    seen = await traced('nft');
  });

  test('the record is whole, and the lab’s marks are nowhere', () => {
    expect(seen.record).toEqual(WHOLE);
    expect(JSON.stringify(seen.events)).not.toContain('127.');
    expect(seen.connections).not.toContain('127.');
  });

  test('a first packet meets the helper’s rule, a chain of its own, the rule that accepts, and masquerading', () => {
    const [first] = seen.events.filter(({ packet }) => to(21, 'S')(packet));
    expect(ways(seen, to(21, 'S'))).toEqual([
      'S: helper 1 continue; helper - accept; translated - accept; f 8 jump sub; sub 4 continue; f 9 accept; post 13 accept; passed',
    ]);
    expect(first?.packet).toMatchObject({ source: '10.0.0.10', in: 'inside', out: null, totalLength: 60 });
  });

  test('what the helper drops met no rule that did', () => {
    expect(ways(seen, to(21, 'PA'))).toContain('PA: helper 1 continue; helper - accept; f 7 accept; passed');
  });

  test('a translated destination is seen before and after', () => {
    const [first] = seen.events.filter(({ packet }) => to(80, 'S')(packet));
    expect(first?.packet.destination).toBe('10.0.0.1');
    expect(first?.steps.find(({ chain }) => chain === 'ip t f')?.packet).toMatchObject({
      destination: '203.0.113.20',
      destinationPort: 21,
    });
    expect(ways(seen, to(80, 'S'))).toEqual([
      'S: helper - accept; translated 2 accept; f 8 jump sub; sub 4 continue; f 9 accept; post 13 accept; passed',
    ]);
  });

  test('a rejected packet is dropped, and the firewall’s own answer is sent', () => {
    const before = 'helper - accept; translated - accept; f 8 jump sub; sub 4 continue';
    expect(ways(seen, to(25))).toEqual([`S: ${before}; f 10 drop; dropped`]);
    expect(ways(seen, from(25))).toEqual(['RA: post - accept; passed']);
    expect(ways(seen, ({ protocol }) => protocol === 'icmp')).toEqual(['icmp: passed']);
    // UDP is not traced.
    expect(ways(seen, ({ protocol }) => protocol === 'udp')).toEqual([]);
  });

  test('return and goto come to the policy', () => {
    const before = 'helper - accept; translated - accept; f 8 jump sub';
    expect(ways(seen, to(99))).toContain(`S: ${before}; sub 3 return; f policy drop; dropped`);
    expect(ways(seen, to(98))).toContain(
      `S: ${before}; sub 4 continue; sub 5 goto sub2; sub2 6 continue; f policy drop; dropped`,
    );
  });

  test('packets to the firewall are dropped by a rule, or delivered and answered', () => {
    expect(ways(seen, to(23))).toContain('S: helper - accept; translated - accept; inp 12 drop; dropped');
    expect(ways(seen, to(24))).toEqual(['S: helper - accept; translated - accept; inp - accept; passed']);
    expect(ways(seen, from(24))).toEqual(['RA: passed']);
  });

  test('of a data connection only the packets that open and close it', () => {
    const data = seen.events.filter(({ packet }) => from(2000)(packet) || to(2000)(packet));
    expect(data.length).toBeGreaterThan(2);
    expect(data.every(({ packet }) => /[SFR]/.test(packet.flags))).toBe(true);
  });
});

test('rules that iptables has loaded have their rows by their order', async () => {
  const seen = await traced('iptables');
  expect(seen.record).toEqual(WHOLE);
  expect(ways(seen, to(21, 'S'))).toEqual([
    'S: PREROUTING 1 continue; PREROUTING - accept; FORWARD 4 jump mine; FORWARD 5 accept; POSTROUTING 2 accept; passed',
  ]);
  expect(ways(seen, to(26))).toContain(
    'S: PREROUTING - accept; FORWARD 4 jump mine; FORWARD 6 continue; FORWARD policy drop; dropped',
  );
  expect(ways(seen, to(27))).toContain(
    'S: PREROUTING - accept; FORWARD 4 jump mine; FORWARD 7 drop; dropped',
  );
  expect(ways(seen, to(98))).toContain('S: PREROUTING - accept; FORWARD 4 jump mine; mine 9 drop; dropped');
  expect(ways(seen, to(99))).toContain(
    'S: PREROUTING - accept; FORWARD 4 jump mine; mine 8 return; FORWARD policy drop; dropped',
  );
});

test('what the kernel could not deliver is told, and of no packet more is said than is known', async () => {
  const { record, events } = await traced('flood');
  expect(record.overflows).toBeGreaterThan(0);
  expect(events.length).toBeGreaterThan(100);
  expect(events.length).toBeLessThanOrEqual(20_000);
  expect(events.filter(({ fate }) => fate === 'passed')).toEqual([]);
});

test('where the table is not the lab’s there is no trace, and it is said why', async () => {
  const { record, events } = await traced('another table');
  expect(record.why).toMatch(/^the trace on the firewall ended \(exit code 1\): .*File exists/s);
  expect(events).toEqual([]);
});

test('a monitor that ended tells that it did; what it had told remains', async () => {
  const { record, events } = await traced('killed nft');
  expect(record.why).toMatch(/^the trace on the firewall ended .*: nft monitor trace ended \(137\)/);
  expect(events.map(({ fate }) => fate)).toContain('unknown');
});

test('rules of iptables’ legacy variant are loaded, and counted, but not traced', async () => {
  const legacy = 'cd /usr/sbin && mount --bind xtables-legacy-multi xtables-nft-multi && exec "$0" "$@"';
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const prefix = ['unshare', ...user, '--mount', 'bash', '-c', legacy];
  const [seen] = documentIn(await lab(['run', '--json', 'active-unforwarded-range'], undefined, prefix));
  expect(seen?.outcome).toBe('pass');
  expect(seen?.trace?.why).toContain("the kernel does not trace the rules of iptables' legacy variant");
  expect(seen?.events.filter(({ kind }) => kind === 'trace')).toEqual([]);
  expect(seen?.diagnosis.map(({ code }) => code)).toEqual(['not-forwarded', 'not-forwarded']);
  expect(seen?.rules.some(({ packets }) => packets > 0)).toBe(true);
});
