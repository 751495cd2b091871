import { describe, expect, test } from '@jest/globals';
import { Bench, CLIENT, FIREWALL, FORWARDING, MASQUERADING, SERVER, only, seen } from './bench-firewall';
import { decode, icmp, ip, tcp, tcpSegment, udp } from './packets';

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

  test('later fragments follow the first, both ways; without it they stay', () => {
    const bench = new Bench();
    const first = ip(17, { ...ends, moreFragments: true, id: 99 }, udpBody('x'.repeat(16)));
    const later = (offset: number, id = 99): Buffer => ip(17, { ...ends, offset, id }, Buffer.alloc(8));
    expect(bench.from('inside', later(3, 98))).toEqual([]);
    expect(only(bench.from('inside', first))).toMatchObject({ source: FIREWALL, sourcePort: 61_000 });
    expect(only(bench.from('inside', later(3)))).toMatchObject({ source: FIREWALL, offset: 3 });
    const back = { source: SERVER, destination: FIREWALL, sourcePort: 9, destinationPort: 61_000 };
    bench.from(
      'outside',
      ip(17, { ...back, moreFragments: true, id: 5 }, udpBody('y'.repeat(16), 9, 61_000)),
    );
    expect(only(bench.from('outside', ip(17, { ...back, offset: 3, id: 5 }, Buffer.alloc(8))))).toMatchObject(
      {
        to: 'inside',
        destination: CLIENT,
      },
    );
    expect(bench.firewall.refusals()).toEqual({ 'stray fragment': 1 });
  });

  test('fragments are forgotten after 30 s', () => {
    const bench = new Bench();
    bench.from('inside', ip(17, { ...ends, moreFragments: true, id: 99 }, udpBody('x'.repeat(16))));
    bench.wait(30);
    expect(bench.from('inside', ip(17, { ...ends, offset: 3, id: 99 }, Buffer.alloc(8)))).toEqual([]);
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

  test('a UDP packet without a checksum gets none', () => {
    const sent = only(new Bench().from('inside', udp({ ...ends, noChecksum: true })));
    expect(sent.body.readUInt16BE(6)).toBe(0);
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

function udpBody(payload: string, sourcePort = 1025, destinationPort = 9): Buffer {
  // Only the ports matter: a first fragment's checksum covers what is not in it.
  const body = Buffer.concat([
    tcpSegment({ source: CLIENT, destination: SERVER, sourcePort, destinationPort }),
  ]).subarray(0, 8);
  const bytes = Buffer.concat([body, Buffer.from(payload)]);
  bytes.writeUInt16BE(200, 4);
  bytes.writeUInt16BE(0x1234, 6);
  return bytes;
}
