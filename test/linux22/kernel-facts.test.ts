// Where 2.2.14 and 2.2.19 differ, and what both do that a later kernel does not: each fact with its function.
import { describe, expect, test } from '@jest/globals';
import { KERNELS } from '../../src/linux22';
import {
  Bench,
  CLIENT,
  FIREWALL,
  FIREWALL_INSIDE,
  FORWARDING,
  MASQUERADING,
  SERVER,
  only,
  seen,
} from './bench-firewall';
import { icmp, ip, tcp, udp, type Tcp } from './packets';

const TIMESTAMPS = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
const ECHO = { source: SERVER, destination: FIREWALL, type: 8, identifier: 5 };
const NEIGHBOUR = '10.0.0.3';
const DONT_FRAGMENT = 0x40;

/** The packet with a "don't fragment", and its header's checksum mended. */
function whole(packet: Buffer): Buffer {
  packet.writeUInt8(packet.readUInt8(6) | DONT_FRAGMENT, 6);
  const sum = packet.readUInt16BE(10) - (DONT_FRAGMENT << 8);
  packet.writeUInt16BE(sum > 0 ? sum : sum + 0xffff, 10);
  return packet;
}

describe('ip_masq_ftp and TCP options (ip_masq_ftp.c, masq_ftp_out and masq_ftp_in, to 2.2.18)', () => {
  const passive = (kernel: (typeof KERNELS)[number], tcpOptions: readonly number[]) => {
    const bench = new Bench(kernel, [...MASQUERADING, 'modprobe ip_masq_ftp']);
    bench.open();
    bench.out({ sequence: 1001, payload: 'PASV\r\n', tcpOptions });
    const payload = '227 Entering Passive Mode (203,0,113,9,4,2)\r\n';
    bench.back({ sequence: 5001, acknowledgement: 1007, payload, tcpOptions });
    return bench.told('data-expected').length;
  };
  test.each([
    ['2.2.14', 'none', [], 1],
    ['2.2.14', 'timestamps', TIMESTAMPS, 0],
    ['2.2.19', 'none', [], 1],
    ['2.2.19', 'timestamps', TIMESTAMPS, 1],
  ] as const)('%s, options: %s: PASV is seen or not', (kernel, _, options, expected) => {
    expect(passive(kernel, options)).toBe(expected);
  });

  test.each(KERNELS)('%s finds PORT behind timestamps all the same', (kernel) => {
    const bench = new Bench(kernel, [...MASQUERADING, 'modprobe ip_masq_ftp']);
    bench.open();
    const payload = 'PORT 10,0,0,2,4,2\r\n';
    expect(only(bench.out({ sequence: 1001, payload, tcpOptions: TIMESTAMPS })).payload).toBe(
      'PORT 203,0,113,1,238,73\r\n',
    );
  });
});

describe('acknowledgements of PORT lines that shrank (ip_masq_app.c, masq_fix_ack_seq)', () => {
  const HOST = '10.100.100.200';
  const PORT = 'PORT 10,100,100,200,200,100\r\n';

  /** What the client still misses of each of its PORT lines, once the server has acknowledged it whole. */
  function missing(kernel: (typeof KERNELS)[number], lines: number): number[] {
    const bench = new Bench(kernel, [...MASQUERADING, 'modprobe ip_masq_ftp']);
    const from: Partial<Tcp> = { source: HOST };
    bench.open(from);
    let [mine, theirs] = [1001, 1001];
    return Array.from({ length: lines }, () => {
      theirs += only(bench.out({ ...from, flags: 'PA', sequence: mine, payload: PORT })).payload.length;
      mine += PORT.length;
      return mine - only(bench.back({ sequence: 5001, acknowledgement: theirs })).acknowledgement;
    });
  }

  test('2.2.14 compares with the packet’s own number: in time none is acknowledged whole', () => {
    const all = missing('2.2.14', 12);
    const first = all.findIndex((bytes) => bytes > 0);
    const shrunk = PORT.length - 'PORT 203,0,113,1,238,73\r\n'.length;
    // Once all have shrunk by more than the line is long together.
    expect(first).toBe(Math.ceil(PORT.length / shrunk) - 1);
    expect(all.slice(first)).toEqual(all.slice(first).map(() => shrunk));
  });

  test('2.2.19 adds the shift: each is', () => {
    expect(missing('2.2.19', 12)).toEqual(Array.from({ length: 12 }, () => 0));
  });

  test('2.2.19, where a shrinking line was lost: what came before is acknowledged too far', () => {
    const bench = new Bench('2.2.19', [...MASQUERADING, 'modprobe ip_masq_ftp']);
    bench.open({ source: HOST });
    const sent = only(bench.out({ source: HOST, flags: 'PA', sequence: 1001, payload: PORT }));
    const shrunk = PORT.length - sent.payload.length;
    // The server has nothing of it.
    const { acknowledgement } = only(bench.back({ sequence: 5001, acknowledgement: 1001 }));
    expect(acknowledgement).toBe(1001 + shrunk);
  });
});

describe('packets too large for a link (ip_forward.c, ip_forward; ip_output.c, ip_fragment)', () => {
  const large = { source: CLIENT, destination: SERVER, sourcePort: 1025, destinationPort: 9 };
  const payload = 'x'.repeat(1600);

  test('must it stay whole, the sender is told, before anything is masqueraded', () => {
    const bench = new Bench();
    const sent = only(bench.from('inside', whole(udp({ ...large, payload }))));
    expect(sent).toMatchObject({ to: 'inside', source: FIREWALL_INSIDE, type: 3, code: 4 });
    expect(sent.body.readUInt16BE(6)).toBe(1500);
    expect(bench.firewall.entries()).toEqual([]);
  });

  test('a demasqueraded one is quoted as the world knows it', () => {
    const bench = new Bench();
    bench.from('inside', udp(large));
    const back = { source: SERVER, destination: FIREWALL, sourcePort: 9, destinationPort: 61_000 };
    const sent = only(bench.from('outside', whole(udp({ ...back, payload }))));
    expect(sent).toMatchObject({ to: 'outside', type: 3, code: 4 });
    expect([...sent.body.subarray(24, 28)].join('.')).toBe(FIREWALL);
  });

  test('else it leaves in fragments, which fit and are the packet', () => {
    const sent = seen(
      new Bench().from('inside', udp({ ...large, payload, options: [7, 7, 8, 0, 0, 0, 0, 0] })),
    );
    expect(sent.map(({ offset, body }) => [offset, body.length])).toEqual([
      [0, 1472],
      [184, 136],
    ]);
    const datagram = Buffer.concat(sent.map(({ body }) => body));
    expect(datagram.subarray(8).toString()).toBe(payload);
  });

  test('a fragment is taken apart as well, at its place', () => {
    const bench = new Bench('2.2.19', []);
    const part = ip(17, { ...large, offset: 100, moreFragments: true }, Buffer.alloc(1600));
    const sent = bench.from('inside', part).map(({ packet }) => packet.readUInt16BE(6));
    expect(sent).toEqual([0x2000 + 100, 0x2000 + 100 + 185]);
  });

  test('an option that is not for all fragments is blanked in the later ones (ip_options_fragment)', () => {
    const bench = new Bench('2.2.19', []);
    const [first, second] = bench.from(
      'inside',
      udp({ ...large, payload, options: [7, 7, 4, 0, 0, 0, 0, 0] }),
    );
    expect([...(first?.packet.subarray(20, 28) ?? [])]).toEqual([7, 7, 4, 0, 0, 0, 0, 0]);
    expect([...(second?.packet.subarray(20, 28) ?? [])]).toEqual([1, 1, 1, 1, 1, 1, 1, 0]);
  });
});

describe('what the firewall says itself (icmp.c, icmp_init, icmp_reply and icmp_send; tcp_ipv4.c, tcp_v4_init)', () => {
  const closed = { source: SERVER, destination: FIREWALL, sourcePort: 9, destinationPort: 9 };
  test.each([
    ['an echo reply has the packet’s type of service', icmp({ ...ECHO, tos: 0x10 }), 0x10],
    ['an RST, too', tcp({ ...closed, flags: 'S', tos: 0x10 }), 0x10],
    ['an error has it without precedence, and one of its own', udp({ ...closed, tos: 0x30 }), 0xd0],
  ])('%s; TTL 255', (_, packet, tos) => {
    expect(only(new Bench('2.2.19', []).from('outside', packet))).toMatchObject({ ttl: 255, tos });
  });

  test('a recorded route goes on in the answer, this host in it twice (ip_options.c, ip_options_echo)', () => {
    const route = [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const [sent] = new Bench('2.2.19', []).from('outside', icmp({ ...ECHO, options: route }));
    expect([...(sent?.packet.subarray(20, 32) ?? [])]).toEqual([
      7, 11, 12, 203, 0, 113, 1, 203, 0, 113, 1, 0,
    ]);
    expect(seen(sent ? [sent] : [])).toMatchObject([{ type: 0, identifier: 5 }]);
  });

  test('one that is full stays as it is; one with room for half an address is not answered', () => {
    const bench = new Bench('2.2.19', []);
    const answered = (options: number[]) =>
      bench.from('outside', icmp({ ...ECHO, options })).map(({ packet }) => [...packet.subarray(20, 28)]);
    expect(answered([7, 7, 8, 1, 2, 3, 4, 0])).toEqual([[7, 7, 8, 1, 2, 3, 4, 0]]);
    expect(answered([7, 8, 8, 1, 2, 3, 4, 0])).toEqual([]);
  });
});

describe('a packet that leaves where it came (ip_forward.c; route.c, ip_rt_send_redirect)', () => {
  const near = { source: CLIENT, destination: NEIGHBOUR, sourcePort: 1, destinationPort: 9 };

  test('goes on, and its sender is told of the shorter way', () => {
    const bench = new Bench('2.2.19', []);
    const [redirect, forwarded] = seen(bench.from('inside', udp(near)));
    expect(redirect).toMatchObject({ to: 'inside', destination: CLIENT, type: 5, code: 1 });
    expect([...(redirect?.body.subarray(4, 8) ?? [])].join('.')).toBe(NEIGHBOUR);
    expect(forwarded).toMatchObject({ to: 'inside', source: CLIENT, destination: NEIGHBOUR, ttl: 63 });
  });

  test('the rules for the way out hold for it', () => {
    const bench = new Bench('2.2.19', ['ipchains -A forward -i inside -j DENY']);
    expect(seen(bench.from('inside', udp(near)))).toEqual([]);
  });

  test('whoever does not listen is told less and less, nine times, and again after 20 s of silence', () => {
    const bench = new Bench('2.2.19', []);
    const told = (): boolean => bench.from('inside', udp(near)).length > 1;
    const times: number[] = [];
    for (let tick = 0; tick < 2000; tick += 1) {
      if (told()) times.push(bench.now);
      bench.wait(1 / 64);
    }
    // In ticks of a 64th: the first that is over 40 ms, 80 ms and so on.
    const pauses = times.slice(1).map((time, index) => Math.round((time - (times[index] ?? 0)) * 64));
    expect(pauses).toEqual([3, 6, 11, 21, 41, 82, 164, 328]);
    bench.wait(20);
    expect(told()).toBe(false);
    bench.wait(20.5);
    expect(told()).toBe(true);
  });

  test('where the sender is not on that link, nobody is told', () => {
    const far = { ...near, source: '172.16.0.9', destination: NEIGHBOUR };
    expect(seen(new Bench('2.2.19', []).from('inside', udp(far)))).toMatchObject([
      { to: 'inside', type: -1 },
    ]);
  });
});

describe('errors from the inside that make no sense (ip_masq.c, ip_fw_masq_icmp)', () => {
  const inside = tcp({ source: SERVER, destination: CLIENT, sourcePort: 21, destinationPort: 1025 });
  const error = { source: CLIENT, destination: SERVER, type: 3, code: 3 };
  const bench = (): Bench => {
    const made = new Bench('2.2.19', ['ipchains -A forward -i outside -j ACCEPT']);
    made.open();
    return made;
  };

  test('a quote too short, or a wrong checksum: dropped at once, whatever the rules say', () => {
    const made = bench();
    expect(made.from('inside', icmp({ ...error, body: inside.subarray(0, 24) }))).toEqual([]);
    const wrong = icmp({ ...error, body: inside.subarray(0, 28) });
    wrong.writeUInt16BE(wrong.readUInt16BE(22) ^ 0x5555, 22);
    expect(made.from('inside', wrong)).toEqual([]);
    expect(made.firewall.refusals()).toEqual({ 'bad transport header': 1, 'bad transport checksum': 1 });
  });

  test('one about another protocol is the rules’ affair', () => {
    const made = bench();
    const other = ip(47, { source: SERVER, destination: CLIENT }, Buffer.alloc(0));
    expect(made.from('inside', icmp({ ...error, body: other }))).toHaveLength(1);
  });
});

describe('marks (ip_masq_app.c, ip_masq_bind_app_fwmark, from 2.2.15 on)', () => {
  test('mark= has connections read that rules have marked, on whatever port', () => {
    const marked = (line: string): boolean => {
      const bench = new Bench('2.2.19', [
        'ipchains -A input -p tcp -d 0/0 2121 -m 7 -j ACCEPT',
        ...MASQUERADING,
        line,
      ]);
      bench.open({ destinationPort: 2121 });
      return bench.firewall.entries()[0]?.ftp ?? false;
    };
    expect(marked('modprobe ip_masq_ftp mark=7')).toBe(true);
    expect(marked('modprobe ip_masq_ftp mark=8')).toBe(false);
    expect(marked('modprobe ip_masq_ftp')).toBe(false);
  });

  test('in_mark= has servers behind read', () => {
    const bench = new Bench('2.2.19', [
      'ipchains -A input -p tcp -d 203.0.113.1 21 -m 9 -j ACCEPT',
      ...FORWARDING,
      'modprobe ip_masq_ftp in_mark=9',
    ]);
    bench.back({ flags: 'S', sourcePort: 1025, destinationPort: 21 });
    expect(bench.firewall.entries()).toMatchObject([{ ftp: true }]);
  });

  test('2.2.14 does not know them', () => {
    const { output } = new Bench('2.2.14', []).firewall.run('modprobe ip_masq_ftp mark=7', 0);
    expect(output).toContain('invalid parameter mark=7; it came with 2.2.19');
  });
});

describe('what the tools print', () => {
  test('-M -L has entries by bucket, in one the latest first (ip_masq.c, ip_msqhst_procinfo); without -n, names', () => {
    const bench = new Bench();
    // TCP, the firewall's end and the server's make the bucket: ports 61000 and 61001 differ in the last bit.
    bench.out({ flags: 'S', sourcePort: 2000 });
    bench.out({ flags: 'S', sourcePort: 2001 });
    // 256 further on is the same bucket.
    for (let port = 0; port < 254; port += 1) bench.out({ flags: 'S', sourcePort: 3000 + port });
    bench.out({ flags: 'S', sourcePort: 4000 });
    const ports = (line: string): string[] =>
      [...bench.type(line).matchAll(/(\S+) \((\d+)\) -> (\S+)$/gm)].map(([all]) => all);
    const listed = ports('ipchains -M -L -n');
    const own = Number(bench.firewall.entries()[0]?.outside.port);
    expect(own).toBe(61_000);
    const bucket = (outside: number): number =>
      [6, 203, 0, 113, 1, 203, 0, 113, 9].reduce((mixed, octet, index) =>
        // Only the last octets of the addresses reach the lowest eight bits.
        index === 4 || index === 8 ? mixed ^ octet : mixed,
      ) ^
      (outside & 255) ^
      21;
    const order = listed.map((line) => Number(/\((\d+)\)/.exec(line)?.[1]));
    const buckets = order.map(bucket);
    expect(buckets).toEqual([...buckets].sort((one, other) => one - other));
    expect(order.indexOf(61_256)).toBe(order.indexOf(61_000) - 1);
    expect(ports('ipchains -M -L')).toContain('2000 (61000) -> ftp');
  });

  test('-D past the end: there is no such chain, says ipchains (libipfwc.c, ipfwc_strerror)', () => {
    const { output, code } = new Bench('2.2.19', []).firewall.run('ipchains -D input 1', 0);
    expect({ output, code }).toEqual({
      output: 'ipchains: No chain by that name; input has no rules, found 1\n',
      code: 1,
    });
  });

  test('-X alone goes on past chains that are in use', () => {
    const bench = new Bench('2.2.19', [
      ...['ipchains -N used', 'ipchains -N free', 'ipchains -A input -j used', 'ipchains -N other'],
    ]);
    const { output, code } = bench.firewall.run('ipchains -X', 0);
    expect({ output, code }).toEqual({
      output: 'ipchains: Device or resource busy; rules that jump to used: 1\n',
      code: 1,
    });
    expect(bench.type('ipchains -L')).toContain('Chain used (1 references)');
    expect(bench.type('ipchains -L')).not.toMatch(/Chain (?:free|other)/);
  });
});

test('one counter hands out ports for all protocols (ip_masq.c, get_next_mport)', () => {
  const bench = new Bench();
  bench.out({ flags: 'S' });
  const ends = { source: CLIENT, destination: SERVER, sourcePort: 1025, destinationPort: 53 };
  expect(only(bench.from('inside', udp(ends))).sourcePort).toBe(61_001);
});
