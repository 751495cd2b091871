import { buildSync } from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePacket } from '../../src/observe/packet';
import { forReport } from '../../src/report/for-report';
import { writeCaptureFile } from '../../src/report/capture-file';
import type { RunResult } from '../../src/verdict/run-result';
import { FOLDER, recorded } from '../catalogue';
import { ROOT, run, scratch } from '../support';
import { readPcapng, type ReadFile, type ReadPacket } from './pcapng-blocks';

// One file of both legs, read by tcpdump and by a reader of this test's own.

interface Made {
  readonly result: RunResult;
  readonly directory: string;
  readonly file: string;
  readonly read: ReadFile;
}

async function make(scenario: string): Promise<Made> {
  const [result] = await recorded([scenario]);
  if (!result) throw new Error('no run');
  const directory = join(FOLDER, result.artifacts.directory ?? 'none');
  const file = join(directory, 'capture.pcapng');
  return { result, directory, file, read: readPcapng(readFileSync(file)) };
}

let helped: Made;
let dropped: Made;
beforeAll(async () => {
  helped = await make('active-nat-helper');
  dropped = await make('t1-passive');
});

/** The payload of a packet, and what is said of the packet. */
function payload({ data }: ReadPacket): string {
  return decodePacket(data)?.payload.toString('latin1') ?? '';
}

function commentsOn({ read }: Made, leg: string, of: (packet: ReadPacket) => boolean): string[] {
  return read.packets
    .filter((packet) => packet.interface === leg && of(packet))
    .map(({ comment }) => comment ?? '');
}

const isSyn = ({ data }: ReadPacket): boolean => decodePacket(data)?.flags === 'S';

test('both legs are interfaces with a name, and the section says what was run', () => {
  expect(helped.read.interfaces).toEqual([
    { name: 'inside', description: "the firewall's inside leg, 10.0.0.1, towards the client" },
    { name: 'outside', description: "the firewall's outside leg, 203.0.113.1, towards the server" },
  ]);
  expect(helped.read.comment).toContain(`active-nat-helper: ${helped.result.title}`);
  expect(helped.result.artifacts.captures).toEqual(['inside.pcap', 'outside.pcap', 'capture.pcapng']);
});

test('tcpdump reads every packet of both legs from it, in order of time', async () => {
  const listed = async (file: string): Promise<string[]> => {
    const { code, stdout } = await run(['tcpdump', '-ttnr', join(helped.directory, file)]);
    expect(code).toBe(0);
    return stdout.trim().split('\n');
  };
  const [all, inside, outside] = await Promise.all(
    ['capture.pcapng', 'inside.pcap', 'outside.pcap'].map(listed),
  );
  expect(all?.length).toBeGreaterThan(1000);
  expect([...(all ?? [])].sort()).toEqual([...(inside ?? []), ...(outside ?? [])].sort());
  const times = helped.read.packets.map(({ at }) => at);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test('packets that a capture holds out of order come in order, and all of them', () => {
  const directory = scratch();
  // As two processors leave them: each pair of neighbours changes places.
  const times = [0, 30, 20, 100, 90, 9000, 8990, 2_000_000].map((at) => at + 1_000_000);
  for (const leg of ['inside', 'outside'])
    writeFileSync(join(directory, `${leg}.pcap`), capture(times, Buffer.alloc(60)));
  const run = { ...helped.result, artifacts: { directory, captures: ['inside.pcap', 'outside.pcap'] } };
  expect(writeCaptureFile(directory, forReport(run), 65_535)).toBe('capture.pcapng');
  const { packets } = readPcapng(readFileSync(join(directory, 'capture.pcapng')));
  expect(packets.map(({ at }) => at)).toEqual([...times, ...times].sort((a, b) => a - b));
});

test('each interface counts the packets it has, and none as lost', () => {
  for (const { leg, packets, lost } of helped.result.captures) {
    const inFile = helped.read.packets.filter((packet) => packet.interface === leg);
    expect({ leg, packets: inFile.length }).toEqual({ leg, packets });
    expect(helped.read.statistics[leg]).toEqual({ received: packets + lost, dropped: lost });
  }
});

test('PORT says what it names, on each leg as it is there', () => {
  const isPort = (packet: ReadPacket): boolean => payload(packet).startsWith('PORT ');
  const [inside] = commentsOn(helped, 'inside', isPort);
  const [outside] = commentsOn(helped, 'outside', isPort);
  expect(inside).toMatch(/^event e\d+\nPORT names 10\.0\.0\.10, port \d+\n/);
  expect(outside).toMatch(/^event e\d+\nPORT names 203\.0\.113\.1, port \d+\n/);
  expect(outside).toContain('“the PORT of the download arrives outside rewritten” rests on it, and held');
  expect(outside).toContain("the FAQ's C52, upheld, rests on it");
});

test('the SYN of a data connection says whose it is, who dialled, and what it was translated to', () => {
  const [outside] = commentsOn(helped, 'outside', (packet) => isSyn(packet) && payload(packet) === '').filter(
    (comment) => comment !== '',
  );
  expect(outside).toContain('SYN of the data connection of “download”, dialled by the server');
  expect(outside).toMatch(/\non the inside leg it is 203\.0\.113\.20:20 → 10\.0\.0\.10:\d+\n/);
});

test('a packet that was stopped says so, and by what', () => {
  const stopped = commentsOn(dropped, 'inside', isSyn).filter((comment) => comment !== '');
  const [first = '', ...repeated] = stopped;
  expect(first).toMatch(
    /^event e\d+\nSYN of the data connection of “download”, dialled by the client\nnot seen outside: stopped by the policy drop\nevidence of the cause data-dropped/,
  );
  // A slow machine leaves TCP the time to try again.
  for (const comment of repeated)
    expect(comment).toMatch(/^event e\d+\nSYN of the data connection .*\nnot seen outside/);
  const [reply] = commentsOn(dropped, 'outside', (packet) => payload(packet).startsWith('227 '));
  expect(reply).toContain('227 names 203.0.113.20, port ');
});

test('the comment is on the packet of its event: same leg, time and ends', () => {
  const commented = [...helped.read.packets, ...dropped.read.packets].filter(({ comment }) => comment);
  expect(commented.length).toBeGreaterThan(5);
  for (const made of [helped, dropped]) {
    const zero = made.read.packets[0]?.at ?? 0;
    const begins = new Set<number>();
    for (const packet of made.read.packets) {
      const id = /^event (e\d+)/.exec(packet.comment ?? '')?.[1];
      const event = made.result.events.find((candidate) => candidate.id === id);
      if (id === undefined) continue;
      if (event?.kind !== 'packet') throw new Error(`${id} is no packet`);
      const headers = decodePacket(packet.data);
      expect(event).toMatchObject({
        leg: packet.interface,
        sequence: headers?.sequence,
        sourcePort: headers?.sourcePort,
        flags: headers?.flags,
      });
      // One clock, so the zero of the run is everywhere the same, but for the rounding to microseconds.
      begins.add(packet.at - zero - Math.round(event.at * 1e6));
    }
    expect(Math.max(...begins) - Math.min(...begins)).toBeLessThanOrEqual(1);
  }
});

test('what a peer sent is harmless in a comment', () => {
  const replaced = JSON.parse(
    JSON.stringify(dropped.result).replaceAll('policy drop', 'policy \\u001b[2J\\u202edrop'),
  ) as RunResult;
  const directory = scratch();
  for (const leg of ['inside.pcap', 'outside.pcap']) {
    writeFileSync(join(directory, leg), readFileSync(join(dropped.directory, leg)));
  }
  expect(writeCaptureFile(directory, forReport(replaced), 65_535)).toBe('capture.pcapng');
  const { packets } = readPcapng(readFileSync(join(directory, 'capture.pcapng')));
  const comments = packets.map(({ comment }) => comment ?? '').join('\n');
  expect(comments).toContain('policy \\x1b[2J\\x202edrop');
  expect(comments).not.toMatch(/[\u001b\u202e]/);
});

test('100,000 packets a leg take less than 300 MiB', async () => {
  const directory = scratch();
  const many = 100_000;
  for (const leg of ['inside', 'outside']) {
    const times = Array.from({ length: many }, (_, n) => 1_700_000_000_000_000 + n * 1000);
    writeFileSync(join(directory, `${leg}.pcap`), capture(times, Buffer.alloc(1514)));
  }
  const artifacts = { directory, captures: ['inside.pcap', 'outside.pcap'] };
  writeFileSync(join(directory, 'run.json'), JSON.stringify({ ...dropped.result, artifacts }));
  // Not getrusage's maximum: that begins with what the parent had when it forked.
  const program = `
    import { readFileSync } from 'node:fs';
    import { writeCaptureFile } from '${join(ROOT, 'src/report/capture-file')}';
    import { forReport } from '${join(ROOT, 'src/report/for-report')}';
    const run = JSON.parse(readFileSync('run.json', 'utf8'));
    writeCaptureFile('.', forReport(run), 65535);
    process.stdout.write(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);`;
  buildSync({
    stdin: { contents: program, resolveDir: ROOT, loader: 'ts' },
    outfile: join(directory, 'program.js'),
    bundle: true,
    platform: 'node',
  });
  const { code, stdout, stderr } = await run([process.execPath, 'program.js'], directory);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(Number(stdout)).toBeLessThan(300 * 1024);
  const listed = await run(['sh', '-c', 'tcpdump -nr capture.pcapng 2> errors | wc -l'], directory);
  expect(Number(listed.stdout)).toBe(2 * many);
});

/** A pcap file of packets that are alike, in the order given. Times in microseconds. */
function capture(times: readonly number[], data: Buffer): Buffer {
  const record = 16 + data.length;
  const bytes = Buffer.alloc(24 + times.length * record);
  bytes.writeUInt32LE(0xa1b2c3d4, 0);
  bytes.writeUInt32LE(1, 20);
  for (const [n, time] of times.entries()) {
    const at = 24 + n * record;
    bytes.writeUInt32LE(Math.floor(time / 1e6), at);
    bytes.writeUInt32LE(time % 1e6, at + 4);
    bytes.writeUInt32LE(data.length, at + 8);
    bytes.writeUInt32LE(data.length, at + 12);
    data.copy(bytes, at + 16);
  }
  return bytes;
}
