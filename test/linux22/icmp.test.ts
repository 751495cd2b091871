import { describe, expect, test } from '@jest/globals';
import { Bench, CLIENT, FIREWALL, FORWARDING, MASQUERADING, SERVER, only, seen } from './bench-firewall';
import { decode, icmp, ip, tcp, udp, udpDatagram, type Ip, type Udp } from './packets';

/** The packet an ICMP error quotes, as far as it is quoted. */
const quoted = (body: Buffer): { source: string; destination: string; ports: number[] } => {
  const header = (body.readUInt8(8) & 15) * 4;
  const text = (at: number): string => [...body.subarray(at, at + 4)].join('.');
  return {
    source: text(20),
    destination: text(24),
    ports: [body.readUInt16BE(8 + header), body.readUInt16BE(8 + header + 2)],
  };
};

describe('errors for live entries (ip_masq.c, ip_fw_demasq_icmp and ip_fw_masq_icmp)', () => {
  test.each([3, 4, 11])(
    'type %i from the world reaches the host, which sees its own packet quoted',
    (type) => {
      const bench = new Bench();
      const port = bench.open();
      const outside = tcp({ source: FIREWALL, destination: SERVER, sourcePort: port, destinationPort: 21 });
      const body = outside.subarray(0, 28);
      const sent = only(
        bench.from('outside', icmp({ source: '192.0.2.1', destination: FIREWALL, type, code: 1, body })),
      );
      expect(sent).toMatchObject({ to: 'inside', destination: CLIENT, type, code: 1 });
      expect(quoted(sent.body)).toEqual({ source: CLIENT, destination: SERVER, ports: [1025, 21] });
      // The quoted header is right again, too.
      expect(() => decode(sent.body.subarray(8))).toThrow('IP length is wrong');
    },
  );

  test('an error from the inside leaves with the firewall’s address, outside and quoted', () => {
    const bench = new Bench();
    const port = bench.open();
    const inside = tcp({ source: SERVER, destination: CLIENT, sourcePort: 21, destinationPort: 1025 });
    const error = icmp({
      source: CLIENT,
      destination: SERVER,
      type: 3,
      code: 3,
      body: inside.subarray(0, 28),
    });
    const sent = only(bench.from('inside', error));
    expect(sent).toMatchObject({ to: 'outside', source: FIREWALL, type: 3 });
    expect(quoted(sent.body)).toEqual({ source: SERVER, destination: FIREWALL, ports: [21, port] });
  });

  test('they leave the timer as it is', () => {
    const bench = new Bench();
    const port = bench.open();
    bench.wait(100);
    const body = tcp({ source: FIREWALL, destination: SERVER, sourcePort: port, destinationPort: 21 });
    bench.from('outside', icmp({ source: SERVER, destination: FIREWALL, type: 3, body }));
    expect(bench.firewall.deadline()).toBe(900);
  });

  test('one with no entry stays here; one from the inside that no entry knows never leaves', () => {
    const bench = new Bench();
    const body = tcp({ source: FIREWALL, destination: SERVER, sourcePort: 61_007, destinationPort: 21 });
    expect(
      seen(bench.from('outside', icmp({ source: SERVER, destination: FIREWALL, type: 3, body }))),
    ).toMatchObject([{ to: 'local' }]);
    const other = tcp({ source: SERVER, destination: CLIENT, sourcePort: 21, destinationPort: 1025 });
    expect(bench.from('inside', icmp({ source: CLIENT, destination: SERVER, type: 3, body: other }))).toEqual(
      [],
    );
    expect(bench.firewall.refusals()).toEqual({ 'cannot be masqueraded': 1 });
  });

  test('errors about a forwarded port are not translated', () => {
    const bench = new Bench('2.2.19', FORWARDING);
    bench.back({ flags: 'S', sourcePort: 1025, destinationPort: 21 });
    const body = tcp({ source: FIREWALL, destination: SERVER, sourcePort: 21, destinationPort: 1025 });
    expect(
      seen(bench.from('outside', icmp({ source: SERVER, destination: FIREWALL, type: 3, body }))),
    ).toMatchObject([{ to: 'local' }]);
  });
});

describe('echo (CONFIG_IP_MASQUERADE_ICMP)', () => {
  test('requests have entries of their own, and replies find the way back', () => {
    const bench = new Bench();
    const request = icmp({ source: CLIENT, destination: SERVER, type: 8, identifier: 77 });
    expect(only(bench.from('inside', request))).toMatchObject({ source: FIREWALL, identifier: 61_000 });
    const reply = icmp({ source: SERVER, destination: FIREWALL, type: 0, identifier: 61_000 });
    expect(only(bench.from('outside', reply))).toMatchObject({
      to: 'inside',
      destination: CLIENT,
      identifier: 77,
    });
    expect(bench.firewall.entries()).toMatchObject([{ protocol: 'icmp', state: 'ICMP', timeout: 60 }]);
  });
});

describe('errors of the firewall’s own never show an inside address outside', () => {
  const quotedOutside = (bench: Bench, reply: Buffer): string => {
    const sent = only(bench.from('outside', reply));
    expect(sent).toMatchObject({ to: 'outside', destination: SERVER, source: FIREWALL });
    expect(quoted(sent.body)).toMatchObject({ source: SERVER, destination: FIREWALL, ports: [21, 61_000] });
    return `${sent.type} ${sent.code}`;
  };
  const ends = { source: SERVER, destination: FIREWALL, sourcePort: 21, destinationPort: 61_000 };

  test('a demasqueraded packet at the end of its time, or rejected by output', () => {
    const bench = new Bench();
    bench.open();
    expect(quotedOutside(bench, tcp({ ...ends, ttl: 1 }))).toBe('11 0');
    bench.type('ipchains -A output -i inside -j REJECT');
    expect(quotedOutside(bench, tcp(ends))).toBe('3 1');
  });

  test('a masqueraded packet rejected by output: the host sees its own packet quoted', () => {
    const bench = new Bench('2.2.19', [...MASQUERADING, 'ipchains -A output -i outside -j REJECT']);
    const sent = only(bench.out({ flags: 'S' }));
    expect(sent).toMatchObject({ to: 'inside', destination: CLIENT, type: 3, code: 1 });
    expect(quoted(sent.body)).toEqual({ source: CLIENT, destination: SERVER, ports: [1025, 21] });
  });
});

describe('fragments and options', () => {
  const ends = { source: CLIENT, destination: SERVER, sourcePort: 1025, destinationPort: 9 };

  test('while there are entries they are put together, in any order, before any rule (ip_input.c, ip_rcv)', () => {
    const bench = new Bench('2.2.19', ['ipchains -A input -f -j DENY', ...MASQUERADING]);
    const text = 'the first part, the second and the last';
    const pieces = (fields: Ip, datagram: Buffer): Buffer[] =>
      [0, 16, 32].map((at) =>
        ip(
          17,
          { ...fields, offset: at / 8, moreFragments: at < 32, id: 99 },
          datagram.subarray(at, at === 32 ? undefined : at + 16),
        ),
      );
    const udpOf = (fields: Udp): Buffer => udpDatagram({ ...fields, payload: text });
    const out = pieces(ends, udpOf(ends));
    expect(out.flatMap((piece) => bench.from('inside', piece))).toEqual([]);
    bench.open();
    const [first, second, last] = out;
    const sent = [last, first, second].flatMap((piece) => bench.from('inside', piece ?? Buffer.alloc(0)));
    expect(only(sent)).toMatchObject({ source: FIREWALL, sourcePort: 61_001, payload: text });
    const back = { source: SERVER, destination: FIREWALL, sourcePort: 9, destinationPort: 61_001 };
    const received = pieces(back, udpOf(back)).flatMap((piece) => bench.from('outside', piece));
    expect(only(received)).toMatchObject({ to: 'inside', destination: CLIENT, payload: text });
  });

  test('without an entry each goes by itself, and those to the firewall are put together', () => {
    const bench = new Bench('2.2.19', []);
    const echo = icmp({
      source: SERVER,
      destination: FIREWALL,
      type: 8,
      body: Buffer.alloc(24, 'x'),
    }).subarray(20);
    const ping = { source: SERVER, destination: FIREWALL, id: 4 };
    expect(bench.from('outside', ip(1, { ...ping, moreFragments: true }, echo.subarray(0, 16)))).toEqual([]);
    expect(only(bench.from('outside', ip(1, { ...ping, offset: 2 }, echo.subarray(16))))).toMatchObject({
      type: 0,
      payload: 'x'.repeat(24),
    });
    const part = { source: CLIENT, destination: SERVER, id: 5, offset: 2 };
    expect(only(bench.from('inside', ip(17, part, Buffer.alloc(8))))).toMatchObject({ offset: 2 });
    // A REDIRECT rule, once there, has them put together for good (ip_fw.c).
    bench.type('ipchains -A input -p tcp -d 0/0 80 -j REDIRECT 8080', 'ipchains -F input');
    expect(bench.from('inside', ip(17, part, Buffer.alloc(8)))).toEqual([]);
  });

  test('where they overlap, what came first stays (ip_fragment.c, ip_defrag)', () => {
    const bench = new Bench('2.2.19', []);
    const ping = { source: SERVER, destination: FIREWALL, id: 4 };
    const echo = icmp({
      source: SERVER,
      destination: FIREWALL,
      type: 8,
      body: Buffer.from('abcdefghijklmnopqrstuvwx'),
    }).subarray(20);
    const evil = Buffer.from('XXXXXXXXXXXXXXXX');
    const first = ip(1, { ...ping, moreFragments: true }, echo.subarray(0, 24));
    const over = ip(1, { ...ping, offset: 1, moreFragments: true }, evil);
    const last = ip(1, { ...ping, offset: 2 }, echo.subarray(16));
    const sent = [first, over, last].flatMap((piece) => bench.from('outside', piece));
    expect(only(sent).payload).toBe('abcdefghijklmnopqrstuvwx');
  });

  test('fragments are given up 30 s after the latest (sysctl_ipfrag_time)', () => {
    const bench = new Bench();
    bench.open();
    const datagram = udpDatagram({ ...ends, payload: 'x'.repeat(16) });
    bench.from('inside', ip(17, { ...ends, moreFragments: true, id: 99 }, datagram.subarray(0, 16)));
    bench.wait(30);
    expect(bench.from('inside', ip(17, { ...ends, offset: 2, id: 99 }, datagram.subarray(16)))).toEqual([]);
  });

  test('a source route is refused, malformed options are, and recorded addresses are blanked on the way out', () => {
    const bench = new Bench();
    const refused = (options: number[]): boolean =>
      bench.from('inside', udp({ ...ends, options })).length === 0;
    expect(refused([131, 7, 4, 10, 0, 0, 9, 0])).toBe(true);
    expect(refused([7, 200, 4, 0])).toBe(true);
    expect(bench.firewall.refusals()).toEqual({ 'source route': 1, 'malformed IP options': 1 });
    const [sent] = bench.from('inside', udp({ ...ends, options: [7, 7, 8, 10, 0, 0, 2, 0] }));
    expect([...(sent?.packet.subarray(20, 28) ?? [])]).toEqual([1, 1, 1, 1, 1, 1, 1, 0]);
    decode(sent?.packet ?? Buffer.alloc(0));
  });

  test('a UDP packet without a checksum gets one (ip_masq.c, ip_fw_masquerade and ip_fw_demasquerade)', () => {
    const bench = new Bench();
    // `only` checks what is there.
    expect(only(bench.from('inside', udp({ ...ends, noChecksum: true }))).body.readUInt16BE(6)).not.toBe(0);
    const back = { source: SERVER, destination: FIREWALL, sourcePort: 9, destinationPort: 61_000 };
    expect(only(bench.from('outside', udp({ ...back, noChecksum: true }))).body.readUInt16BE(6)).not.toBe(0);
  });

  test('a packet with a wrong transport checksum makes no entry', () => {
    const bench = new Bench();
    const wrong = tcp({ ...ends, flags: 'S' });
    wrong.writeUInt16BE(wrong.readUInt16BE(36) ^ 0x5555, 36);
    expect(bench.from('inside', wrong)).toEqual([]);
    expect(bench.firewall.entries()).toEqual([]);
    expect(bench.told('refused')).toMatchObject([{ reason: 'bad transport checksum', count: 1 }]);
  });

  test('options of TCP stay where they are when a PORT grows', () => {
    const bench = new Bench('2.2.14', [...MASQUERADING, 'modprobe ip_masq_ftp']);
    bench.open();
    const timestamps = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
    const payload = 'PORT 10,0,0,2,4,2\r\n';
    const sent = only(bench.out({ sequence: 1001, payload, tcpOptions: timestamps }));
    expect(sent.payload).toBe('PORT 203,0,113,1,238,73\r\n');
    expect([...sent.body.subarray(20, 32)]).toEqual(timestamps);
  });
});
