import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProbeCommand } from '../../src/agent/messages';
import { sandboxCommand } from '../../src/engine/netns/sandbox';
import { eventually, run, scratch } from '../support';
import { bundle, HostProgram } from './host-program';

const OWN = '127.0.0.9';
const CONFIG = { program: 'prober', address: OWN };

function probe(id: number, change: Partial<ProbeCommand> = {}): ProbeCommand {
  const usual = { name: `probe ${id}`, mark: id, destination: '127.0.0.1', flags: 'S', sourcePorts: [20] };
  return { id, do: 'probe', ...usual, ports: [[21, 21]], ...change };
}

/** The prober on a network of its own, with tcpdump beside it until it has seen `packets` of the prober's. */
async function watchedProber(
  packets: number,
): Promise<{ prober: HostProgram; seen: () => Promise<string[]> }> {
  const file = join(scratch(), 'probes.pcap');
  const tcpdump =
    `tcpdump -i lo -n -s 128 -B 16384 --immediate-mode -U -Z root -c ${packets} ` +
    `-w "$1" "src host ${OWN} and tcp"`;
  const script = `ip link set lo up; ${tcpdump} & exec "$2" "$3"`;
  const prober = new HostProgram(
    sandboxCommand(['sh', '-c', script, 'sh', file, process.execPath, bundle('prober')]),
  );
  await eventually(() => prober.stderr.includes('listening on lo'), 'tcpdump');
  prober.tell(CONFIG);
  await prober.heard('ready');
  const seen = async (): Promise<string[]> => {
    await eventually(() => /packets? captured/.test(prober.stderr), `${packets} packets`);
    const { stdout } = await run(['tcpdump', '-r', file, '-n', '-t', '-vv']);
    // Two lines a packet: the IP header's, then the TCP header's.
    return stdout.split(/\n(?=IP )/).map((text) => text.trim().replace(/\s+/g, ' '));
  };
  return { prober, seen };
}

test('packets leave with the flags and ports asked for and right checksums, and are reported', async () => {
  const { prober, seen } = await watchedProber(9);
  const ports = [
    [21, 21],
    [1024, 1025],
  ] as const;
  const commands = [
    probe(1, { name: 'two ports', sourcePorts: [20, 4000], ports }),
    probe(2, { flags: 'A' }),
    probe(3, { flags: 'FPU' }),
    probe(4, { flags: '' }),
  ];
  for (const command of commands) prober.tell(command);
  expect(await prober.obeys({ id: 5, do: 'sync' })).toMatchObject({ error: null, closed: false });

  const packets = await seen();
  const short = packets.map((text) => {
    const found = /length (\d+)\) (\S+) > (\S+): Flags \[(\S+)\], cksum 0x\w+ \((\w+)\)/.exec(text);
    return found?.slice(1).join(' ') ?? text;
  });
  expect(short).toEqual([
    ...[21, 1024, 1025].map((to) => `44 127.0.0.9.20 127.0.0.1.${to} S correct`),
    ...[21, 1024, 1025].map((to) => `44 127.0.0.9.4000 127.0.0.1.${to} S correct`),
    '40 127.0.0.9.20 127.0.0.1.21 . correct',
    '40 127.0.0.9.20 127.0.0.1.21 FPU correct',
    '40 127.0.0.9.20 127.0.0.1.21 none correct',
  ]);
  expect(packets.every((text) => text.includes('ttl 64,') && text.includes('win 63407'))).toBe(true);
  // tcpdump would say "bad cksum" of the IP header, which the kernel completes.
  expect(packets.filter((text) => text.includes('bad cksum'))).toEqual([]);
  expect(packets.slice(0, 6).every((text) => text.includes('mss 1460'))).toBe(true);
  expect(packets[6]).toMatch(/ ack [1-9]\d*,/);
  expect(packets.map((text) => Number(/ id (\d+),/.exec(text)?.[1]))).toEqual([1, 1, 1, 1, 1, 1, 2, 3, 4]);

  const same = { type: 'probed', source: OWN, destination: '127.0.0.1', at: expect.any(Number) as number };
  const from = expect.any(Number) as number;
  expect(prober.of('probed')).toEqual([
    { ...same, from, name: 'two ports', flags: 'S', sourcePort: 20, ports, packets: 3 },
    { ...same, from, name: 'two ports', flags: 'S', sourcePort: 4000, ports, packets: 3 },
    { ...same, from, name: 'probe 2', flags: 'A', sourcePort: 20, ports: [[21, 21]], packets: 1 },
    { ...same, from, name: 'probe 3', flags: 'FPU', sourcePort: 20, ports: [[21, 21]], packets: 1 },
    { ...same, from, name: 'probe 4', flags: '', sourcePort: 20, ports: [[21, 21]], packets: 1 },
  ]);
  for (const { from: first, at } of prober.of('probed')) expect(at).toBeGreaterThanOrEqual(first);
  const order = prober.reports.map((entry) => ('id' in entry ? `${entry.type} ${entry.id}` : entry.type));
  expect(order.slice(0, 8)).toEqual([
    ...['ready', 'begin 1', 'probed', 'probed', 'done 1', 'begin 2', 'probed', 'done 2'],
  ]);
  expect(await prober.leave()).toBe(0);
});

test('every port there is can be probed at once, and a capture keeps up', async () => {
  const { prober, seen } = await watchedProber(65_535);
  expect(await prober.obeys(probe(1, { ports: [[1, 65_535]] }))).toMatchObject({ error: null });
  expect(prober.of('probed')).toMatchObject([{ packets: 65_535 }]);
  const packets = await seen();
  const ports = new Set(
    packets.map((text) => /> 127\.0\.0\.1\.(\d+): Flags \[S\].*\(correct\)/.exec(text)?.[1]),
  );
  expect(ports.size).toBe(65_535);
  expect(ports.has(undefined as never)).toBe(false);
  expect(prober.stderr).toContain('0 packets dropped by kernel');
  await prober.leave();
});

test('a probe that can’t leave breaks off and says why, and the next one is sent', async () => {
  const { prober, seen } = await watchedProber(1);
  const { error } = await prober.obeys(probe(1, { destination: '203.0.113.1', sourcePorts: [20, 21] }));
  expect(error).toBe("Can't send a packet to 203.0.113.1: network is unreachable (ENETUNREACH)");
  expect(prober.of('probed')).toMatchObject([{ sourcePort: 20, packets: 0 }]);
  expect(await prober.obeys(probe(2))).toMatchObject({ error: null });
  expect(await seen()).toHaveLength(1);
  await prober.leave();
});

describe('without a network of its own', () => {
  // Root over its own user namespace, yet without a capability over the network it is in.
  const withoutCapability = ['unshare', '--user', '--map-root-user', process.execPath];

  test('it says that raw sockets need CAP_NET_RAW', async () => {
    const prober = new HostProgram([...withoutCapability, bundle('prober')]);
    prober.tell(CONFIG);
    const { error } = await prober.obeys(probe(1));
    expect(error).toBe(
      "Can't open a raw socket: operation not permitted (EPERM). " +
        'Raw sockets need CAP_NET_RAW, in the network namespace too',
    );
    expect(prober.of('probed')).toEqual([]);
    expect(await prober.obeys({ id: 2, do: 'sync' })).toMatchObject({ error: null });
    expect(await prober.leave()).toBe(0);
  });

  test('it needs nothing but its bundle, and says which part of it is missing', async () => {
    const directory = scratch();
    for (const file of ['prober.js', 'prober.code.js']) {
      copyFileSync(join(bundle('prober'), '..', file), join(directory, file));
    }
    const start = async (): Promise<HostProgram> => {
      const prober = new HostProgram([...withoutCapability, join(directory, 'prober.js')]);
      prober.tell(CONFIG);
      await eventually(() => prober.reports.length > 0, 'a word of the prober');
      return prober;
    };
    writeFileSync(join(directory, 'koffi-glibc.node'), 'no library');
    const broken = await start();
    const [{ message, remedy } = { message: '', remedy: '' }] = broken.of('missing');
    expect(message).toContain(`Can't load koffi, which raw sockets are opened with, from ${directory}`);
    expect(message).toMatch(/\(koffi-glibc\.node: \/.+; koffi-musl\.node: not there\)$/);
    expect(remedy).toContain('npm run build');
    expect(await broken.leave()).toBe(0);

    for (const file of ['koffi-glibc.node', 'koffi-musl.node']) {
      copyFileSync(join(bundle('prober'), '..', file), join(directory, file));
    }
    const whole = await start();
    expect(whole.of('ready')).toHaveLength(1);
    expect(await whole.leave()).toBe(0);
  });
});

test('a probe that makes no sense is refused by name, and nothing is sent', async () => {
  const { prober, seen } = await watchedProber(1);
  const port = 'allowed: a number from 1 to 65535';
  const flags = 'allowed: S (SYN), F (FIN), R (RST), P (PSH), A (ACK), U (URG)';
  const address = 'allowed: one such as 203.0.113.5';
  const cases: [Partial<ProbeCommand>, string][] = [
    [{ flags: 'SQ' }, `"Q" is no TCP flag; ${flags}`],
    [{ destination: 'ftp.example' }, `"ftp.example" is no IPv4 address; ${address}`],
    [{ sourcePorts: [20, 65_536] }, `port 65536 is out of range; ${port}`],
    [{ ports: [[21, 0]] }, `port 0 is out of range; ${port}`],
    [{ ports: [[30, 21]] }, 'port range 30-21 is upside down; did you mean 21-30?'],
  ];
  for (const [index, [change, message]] of cases.entries()) {
    const { error } = await prober.obeys(probe(index, { ...change, name: 'odd' }));
    expect(error).toBe(`Probe "odd": ${message}`);
  }
  expect(prober.of('probed')).toEqual([]);
  // The only packet of a capture that takes one is the next probe's.
  await prober.obeys(probe(99, { sourcePorts: [4444] }));
  expect(await seen()).toEqual([expect.stringContaining('127.0.0.9.4444 >')]);
  await prober.leave();
});
