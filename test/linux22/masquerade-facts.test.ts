// One test for each fact about the masquerade table. In brackets: the kernel's function it comes from.
import { describe, expect, test } from '@jest/globals';
import { Bench, CLIENT, FIREWALL, FORWARDING, MASQUERADING, SERVER, only, seen } from './bench-firewall';
import { tcp, udp } from './packets';

describe('ports (ip_masq.c, ip_masq_new and get_next_mport)', () => {
  test('are handed out from 61000 on, one after the other; the inside host’s own is never kept', () => {
    const bench = new Bench();
    const ports = [61_010, 1025, 4000].map(
      (sourcePort) => only(bench.out({ sourcePort, flags: 'S' })).sourcePort,
    );
    expect(ports).toEqual([61_000, 61_001, 61_002]);
  });

  test('go up to 65095, then from 61000 again, where another remote end may share one', () => {
    const bench = new Bench();
    const ports = Array.from(
      { length: 4096 },
      (_, index) => only(bench.out({ sourcePort: 1025 + index, destinationPort: 80, flags: 'S' })).sourcePort,
    );
    expect([ports[0], ports[4095], new Set(ports).size]).toEqual([61_000, 65_095, 4096]);
    // The first 100 are gone, so that there is room.
    bench.wait(121);
    expect(only(bench.out({ sourcePort: 9000, destinationPort: 80, flags: 'S' })).sourcePort).toBe(61_000);
    expect(only(bench.out({ sourcePort: 9000, destinationPort: 81, flags: 'S' })).sourcePort).toBe(61_001);
  });

  test('are passed over while the same remote end has them', () => {
    const bench = new Bench();
    bench.open();
    for (let index = 0; index < 4095; index += 1)
      bench.from(
        'inside',
        udp({ source: CLIENT, destination: SERVER, sourcePort: 1025 + index, destinationPort: 53 }),
      );
    // UDP has used the others; TCP's next would be 61000 again, which the open connection has.
    expect(only(bench.out({ sourcePort: 2000, flags: 'S' })).sourcePort).toBe(61_001);
  });
});

describe('keys (ip_masq.c, __ip_masq_in_get and __ip_masq_out_get)', () => {
  test('a packet from the world: masquerade address and port, remote address and port', () => {
    const bench = new Bench();
    const destinationPort = bench.open();
    const reply = { flags: 'A', destinationPort };
    expect(only(bench.back(reply))).toMatchObject({
      to: 'inside',
      destination: CLIENT,
      destinationPort: 1025,
    });
    expect(only(bench.back({ ...reply, sourcePort: 22 }))).toMatchObject({ to: 'outside', flags: 'R' });
    expect(only(bench.back({ ...reply, source: '203.0.113.10' }))).toMatchObject({
      to: 'outside',
      flags: 'R',
    });
  });

  test('a packet from the inside: source and destination, so that each destination has an entry', () => {
    const bench = new Bench();
    bench.open();
    expect(only(bench.out({ destination: '203.0.113.10' })).sourcePort).toBe(61_001);
    expect(only(bench.out({})).sourcePort).toBe(61_000);
  });

  describe('UDP (ip_masq_new, ip_fw_demasquerade; ip_masq_udp_dloose, 0 from 2.2.15 on)', () => {
    const OTHER = '203.0.113.77';
    const asked = (kernel: '2.2.14' | '2.2.19') => {
      const bench = new Bench(kernel);
      const ends = { source: CLIENT, sourcePort: 1025 };
      const send = (destination: string, destinationPort = 53) =>
        only(bench.from('inside', udp({ ...ends, destination, destinationPort }))).sourcePort;
      const answer = (source: string, sourcePort = 53) =>
        seen(
          bench.from('outside', udp({ source, sourcePort, destination: FIREWALL, destinationPort: 61_000 })),
        )
          .filter(({ to }) => to === 'inside')
          .map(({ destinationPort }) => destinationPort);
      return { send, answer };
    };

    test('2.2.14: one entry for a source, whatever the destination; whoever answers, answers', () => {
      const { send, answer } = asked('2.2.14');
      expect([send(SERVER), send('203.0.113.10', 9)]).toEqual([61_000, 61_000]);
      expect([answer(OTHER, 9), answer(SERVER), answer(OTHER, 53)]).toEqual([[1025], [1025], [1025]]);
    });

    test('2.2.19: until the first answer any address, from that port alone; then the one that answered', () => {
      const { send, answer } = asked('2.2.19');
      expect([send(SERVER), send('203.0.113.10'), send(SERVER, 9)]).toEqual([61_000, 61_000, 61_001]);
      expect([answer(OTHER, 9), answer(OTHER), answer(SERVER), answer(OTHER)]).toEqual([
        [],
        [1025],
        [],
        [1025],
      ]);
      // Whom the client speaks to next has an entry of its own.
      expect([send(OTHER), send(SERVER)]).toEqual([61_000, 61_002]);
    });
  });
});

describe('timers (ip_masq.c, masq_timeout_table)', () => {
  // Each way leads to the state it is named after, with packets only.
  const ways: readonly (readonly [string, number, (bench: Bench) => void])[] = [
    ['SYN_SENT', 120, (bench) => bench.out({ flags: 'S' })],
    ['ESTABLISHED', 900, (bench) => bench.open()],
    ['FIN_WAIT', 120, (bench) => (bench.open(), bench.out({ flags: 'FA' }))],
    ['TIME_WAIT', 120, (bench) => (bench.open(), bench.out({ flags: 'FA' }), bench.back({ flags: 'FA' }))],
    ['CLOSE_WAIT', 60, (bench) => (bench.open(), bench.back({ flags: 'FA' }))],
    ['CLOSE', 10, (bench) => (bench.open(), bench.back({ flags: 'R' }))],
    [
      'UDP',
      300,
      (bench) =>
        bench.from(
          'inside',
          udp({ source: CLIENT, destination: SERVER, sourcePort: 1, destinationPort: 53 }),
        ),
    ],
  ];
  test.each(ways)('%s: %i s', (state, seconds, lead) => {
    const bench = new Bench();
    lead(bench);
    expect(bench.firewall.entries()).toMatchObject([{ state, timeout: seconds, expires: seconds }]);
    expect(bench.firewall.deadline()).toBe(seconds);
    bench.wait(seconds - 0.01);
    expect(bench.firewall.entries()).toHaveLength(1);
    bench.wait(0.01);
    expect(bench.firewall.entries()).toHaveLength(0);
    expect(bench.firewall.deadline()).toBeNull();
  });

  test('SYN_RECV: 60 s, where the world opens (masq_tcp_states)', () => {
    const bench = new Bench('2.2.19', FORWARDING);
    bench.back({ flags: 'S', sourcePort: 1025, destinationPort: 21 });
    expect(bench.firewall.entries()).toMatchObject([{ state: 'SYN_RECV', timeout: 60 }]);
  });

  test('every packet sets its entry’s timer anew, whatever its direction (ip_masq_put)', () => {
    const bench = new Bench();
    const destinationPort = bench.open();
    for (const send of [() => bench.out({}), () => bench.back({ destinationPort }), () => bench.out({})]) {
      bench.wait(899);
      send();
      expect(bench.firewall.deadline()).toBe(bench.now + 900);
    }
  });

  test('a packet of another entry does not', () => {
    const bench = new Bench();
    bench.open();
    bench.wait(500);
    bench.open({ sourcePort: 1026 });
    expect(bench.firewall.deadline()).toBe(900);
  });
});

describe('ipchains -M -S (ip_masq.c, ip_fw_masq_timeouts)', () => {
  test('sets ESTABLISHED, FIN_WAIT and UDP; TIME_WAIT and CLOSE_WAIT stay', () => {
    const bench = new Bench('2.2.19', [...MASQUERADING, 'ipchains -M -S 7200 10 160']);
    bench.open();
    expect(bench.firewall.entries()).toMatchObject([{ state: 'ESTABLISHED', timeout: 7200 }]);
    bench.out({ flags: 'FA' });
    expect(bench.firewall.entries()).toMatchObject([{ state: 'FIN_WAIT', timeout: 10 }]);
    bench.back({ flags: 'FA' });
    expect(bench.firewall.entries()).toMatchObject([{ state: 'TIME_WAIT', timeout: 120 }]);
    bench.from('inside', udp({ source: CLIENT, destination: SERVER, sourcePort: 1, destinationPort: 53 }));
    expect(bench.firewall.entries()).toMatchObject([{}, { state: 'UDP', timeout: 160 }]);
  });

  test('0 keeps the present value', () => {
    const bench = new Bench('2.2.19', [
      ...MASQUERADING,
      'ipchains -M -S 7200 10 160',
      'ipchains -M -S 0 0 0',
    ]);
    bench.open();
    expect(bench.firewall.deadline()).toBe(7200);
    bench.type('ipchains -M -S 0 20 0');
    bench.out({ flags: 'FA' });
    expect(bench.firewall.deadline()).toBe(20);
  });

  test('an entry takes the new value at its next packet', () => {
    const bench = new Bench();
    bench.open();
    bench.type('ipchains -M -S 7200 10 160');
    expect(bench.firewall.deadline()).toBe(900);
    bench.out({});
    expect(bench.firewall.deadline()).toBe(7200);
  });
});

describe('states (ip_masq.c, masq_tcp_states)', () => {
  test('FIN_WAIT only where the inside sends FIN first; else CLOSE_WAIT and TIME_WAIT', () => {
    const bench = new Bench();
    bench.open();
    bench.back({ flags: 'FA' });
    bench.out({ flags: 'A' });
    bench.out({ flags: 'FA' });
    const states = bench
      .told('masquerade')
      .map((event) => (event.kind === 'masquerade' ? event.entry.state : ''));
    expect(states).toEqual(['SYN_SENT', 'ESTABLISHED', 'CLOSE_WAIT', 'TIME_WAIT']);
  });

  test('an inside packet with no entry: no check for SYN, a new port, and an ACK leads to ESTABLISHED', () => {
    const bench = new Bench();
    bench.open();
    bench.wait(900);
    expect(bench.firewall.entries()).toEqual([]);
    expect(only(bench.out({ flags: 'PA', payload: 'NOOP\r\n' })).sourcePort).toBe(61_001);
    expect(bench.states()).toEqual([`tcp ${CLIENT}:1025 (61001) ${SERVER}:21 ESTABLISHED 900`]);
  });

  test('a packet with none of SYN, FIN, ACK and RST closes (masq_tcp_state)', () => {
    const bench = new Bench();
    bench.open();
    bench.out({ flags: 'P' });
    expect(bench.firewall.entries()).toMatchObject([{ state: 'CLOSE' }]);
  });
});

describe('a packet from the world with no entry (ip_input.c, ip_local_deliver; tcp_ipv4.c, tcp_v4_send_reset)', () => {
  test('is answered by RST where the chain input accepts it', () => {
    const answer = only(new Bench().back({ flags: 'A', acknowledgement: 77, sequence: 5 }));
    expect(answer).toMatchObject({
      to: 'outside',
      source: FIREWALL,
      sourcePort: 61_000,
      flags: 'R',
      sequence: 77,
    });
    const toSyn = only(new Bench().back({ flags: 'S', sequence: 5 }));
    expect(toSyn).toMatchObject({ flags: 'RA', sequence: 0, acknowledgement: 6 });
  });

  test('is met by silence where it denies', () => {
    const bench = new Bench('2.2.19', [...MASQUERADING, 'ipchains -P input DENY']);
    expect(bench.back({ flags: 'A' })).toEqual([]);
  });

  test('a RST is not answered, and neither is what the chain output denies (ip_output.c, ip_build_xmit)', () => {
    expect(new Bench().back({ flags: 'R' })).toEqual([]);
    const bench = new Bench('2.2.19', [...MASQUERADING, 'ipchains -P output DENY']);
    expect(bench.back({ flags: 'A' })).toEqual([]);
  });

  test('the server’s late word after the entry has expired: RST, and the client is never told', () => {
    const bench = new Bench();
    const destinationPort = bench.open();
    bench.wait(900);
    const sent = bench.back({ flags: 'PA', destinationPort, acknowledgement: 9, payload: '226 done\r\n' });
    expect(seen(sent)).toMatchObject([{ to: 'outside', destination: SERVER, flags: 'R', sequence: 9 }]);
  });
});

describe('forwarded ports (ip_masq_portfw.c, portfw_in_create)', () => {
  const client = { source: SERVER, sourcePort: 1025, destinationPort: 21 };
  const server = { source: CLIENT, sourcePort: 21, destination: SERVER, destinationPort: 1025 };
  const opened = (): Bench => {
    const bench = new Bench('2.2.19', FORWARDING);
    expect(only(bench.back({ ...client, flags: 'S' }))).toMatchObject({
      to: 'inside',
      destination: CLIENT,
      destinationPort: 21,
    });
    expect(only(bench.out({ ...server, flags: 'SA' }))).toMatchObject({
      to: 'outside',
      source: FIREWALL,
      sourcePort: 21,
    });
    return bench;
  };

  test('lead in, and replies come from the forwarded port', () => {
    const bench = opened();
    expect(bench.firewall.entries()).toMatchObject([{ state: 'ESTABLISHED', forwarded: true, timeout: 900 }]);
  });

  test('after expiry a packet from the client makes the mapping anew', () => {
    const bench = opened();
    bench.wait(900);
    expect(bench.firewall.entries()).toEqual([]);
    expect(only(bench.back({ ...client, payload: 'NOOP\r\n' }))).toMatchObject({
      to: 'inside',
      destinationPort: 21,
    });
    expect(only(bench.out({ ...server, payload: '200\r\n' }))).toMatchObject({ sourcePort: 21 });
    // With a single port forwarded its state was never LISTEN, and an ACK leads from NONE to CLOSE.
    expect(bench.firewall.entries()).toMatchObject([{ state: 'CLOSE', timeout: 10 }]);
  });

  test('with two ports forwarded the mapping made anew listens, and the server’s ACK establishes it', () => {
    const bench = opened();
    bench.type(`ipmasqadm portfw -a -P tcp -L ${FIREWALL} 2121 -R ${CLIENT} 21`);
    bench.wait(900);
    bench.back({ ...client, payload: 'NOOP\r\n' });
    expect(bench.firewall.entries()).toMatchObject([{ state: 'LISTEN', timeout: 120 }]);
    bench.out({ ...server, payload: '200\r\n' });
    expect(bench.firewall.entries()).toMatchObject([{ state: 'ESTABLISHED', timeout: 900 }]);
  });

  test('after expiry a packet from the server gets a fresh port', () => {
    const bench = opened();
    bench.wait(900);
    expect(only(bench.out({ ...server, payload: '226\r\n' }))).toMatchObject({
      source: FIREWALL,
      sourcePort: 61_000,
    });
  });

  test('active data from the server leaves from a port handed out, not from 20', () => {
    const bench = opened();
    const data = { ...server, sourcePort: 20, destinationPort: 5001, flags: 'S' };
    expect(only(bench.out(data))).toMatchObject({
      source: FIREWALL,
      sourcePort: 61_000,
      destinationPort: 5001,
    });
  });

  test('need masquerading for the replies: without it they leave untranslated, as the rules say', () => {
    const bench = new Bench('2.2.19', [FORWARDING.at(-1) ?? '']);
    bench.back({ ...client, flags: 'S' });
    expect(only(bench.out({ ...server, flags: 'SA' })).source).toBe(CLIENT);
  });
});

describe('the path of a packet (ip_input.c, ip_forward.c)', () => {
  test('out: input, forward, masquerade, output; output sees the masqueraded addresses', () => {
    const bench = new Bench();
    bench.firewall.traceRules(true);
    bench.out({ flags: 'S' });
    const hits = bench.events.flatMap((event) =>
      event.kind === 'rule-hit'
        ? [`${event.chain} ${event.number} ${event.via} ${event.packet.source.address}`]
        : [],
    );
    expect(hits).toEqual([
      `input 0 inside ${CLIENT}`,
      `forward 1 outside ${CLIENT}`,
      `output 0 outside ${FIREWALL}`,
    ]);
  });

  test('back: input, demasquerade, output; input sees the firewall’s address, and forward is skipped', () => {
    const bench = new Bench();
    bench.open();
    bench.firewall.traceRules(true);
    bench.back({});
    const hits = bench.events.flatMap((event) =>
      event.kind === 'rule-hit'
        ? [
            `${event.chain} ${event.number} ${event.via} ${event.packet.destination.address}:${event.packet.destination.port}`,
          ]
        : [],
    );
    expect(hits).toEqual([`input 0 outside ${FIREWALL}:61000`, `output 0 inside ${CLIENT}:1025`]);
  });

  test('the time to live goes down by one; at the end of it the sender is told', () => {
    const bench = new Bench();
    expect(only(bench.out({ flags: 'S', ttl: 64 })).ttl).toBe(63);
    expect(only(bench.out({ flags: 'S', ttl: 1 }))).toMatchObject({ to: 'inside', type: 11, code: 0 });
  });

  test('without NAT packets are routed as they are', () => {
    const bench = new Bench('2.2.19', []);
    expect(only(bench.out({}))).toMatchObject({ to: 'outside', source: CLIENT, sourcePort: 1025 });
    expect(
      only(
        bench.from(
          'outside',
          tcp({ source: SERVER, destination: CLIENT, sourcePort: 21, destinationPort: 5 }),
        ),
      ),
    ).toMatchObject({ to: 'inside' });
  });
});

test('where a clock runs too fast for them, the timeouts that no command sets are as long as asked for', () => {
  const left = (shortest: number, seconds: number): number => {
    const bench = new Bench('2.2.19', MASQUERADING, shortest);
    // In SYN_SENT for two minutes by itself (masq_timeout_table).
    const { sourcePort: destinationPort } = only(bench.out({ flags: 'S' }));
    bench.wait(seconds);
    return bench.back({ flags: 'SA', destinationPort }).filter(({ to }) => to === 'inside').length;
  };
  expect([left(0, 119), left(0, 121), left(288, 121), left(288, 289)]).toEqual([1, 0, 1, 0]);
});
