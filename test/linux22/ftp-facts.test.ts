// One test for each fact about ip_masq_ftp. In brackets: the kernel's function it comes from.
import { describe, expect, test } from '@jest/globals';
import { KERNELS, type Kernel22 } from '../../src/linux22';
import { Bench, CLIENT, FIREWALL, FORWARDING, MASQUERADING, SERVER, only } from './bench-firewall';

const withModule = (kernel: Kernel22 = '2.2.19', options = ''): Bench =>
  new Bench(kernel, [...MASQUERADING, `modprobe ip_masq_ftp ${options}`]);

/** PORT from the client; its data port is 1026. */
const PORT = 'PORT 10,0,0,2,4,2\r\n';
/** The same as the world sees it, with the first port handed out after the control connection's. */
const REWRITTEN = 'PORT 203,0,113,1,238,73\r\n';
const GROWN = REWRITTEN.length - PORT.length;
const PASSIVE = '227 Entering Passive Mode (203,0,113,9,19,137)\r\n';

const sendPort = (bench: Bench, payload = PORT) =>
  bench.out({ flags: 'PA', sequence: 1001, acknowledgement: 5001, payload });
const passive = (bench: Bench, payload = PASSIVE): void => {
  bench.out({ flags: 'PA', sequence: 1001, acknowledgement: 5001, payload: 'PASV\r\n' });
  bench.back({ flags: 'PA', sequence: 5001, acknowledgement: 1007, payload });
};

describe.each(KERNELS)('PORT in %s (ip_masq_ftp.c, masq_ftp_out)', (kernel) => {
  test('makes an entry with no remote port in LISTEN, and is rewritten', () => {
    const bench = withModule(kernel);
    bench.open();
    expect(only(sendPort(bench))).toMatchObject({
      to: 'outside',
      source: FIREWALL,
      sequence: 1001,
      payload: REWRITTEN,
    });
    expect(bench.states()).toEqual([
      `tcp ${CLIENT}:1025 (61000) ${SERVER}:21 ESTABLISHED 900`,
      `tcp ${CLIENT}:1026 (61001) ${SERVER}:0 LISTEN 120`,
    ]);
    expect(bench.told('rewritten')).toMatchObject([
      {
        command: 'PORT',
        before: { address: CLIENT, port: 1026 },
        after: { address: FIREWALL, port: 61_001 },
        grown: GROWN,
      },
    ]);
    expect(bench.told('data-expected')).toMatchObject([
      { from: 'PORT', entry: { state: 'LISTEN' }, control: { ftp: true } },
    ]);
  });

  test('lets the server dial in from port 20, and only the server', () => {
    const bench = withModule(kernel);
    bench.open();
    sendPort(bench);
    const dial = { flags: 'S', sourcePort: 20, destinationPort: 61_001 };
    expect(only(bench.back({ ...dial, source: '203.0.113.10' }))).toMatchObject({
      to: 'outside',
      flags: 'RA',
    });
    expect(only(bench.back(dial))).toMatchObject({
      to: 'inside',
      destination: CLIENT,
      destinationPort: 1026,
    });
    // The port is known now: no second connection gets in.
    expect(only(bench.back({ ...dial, sourcePort: 2020 }))).toMatchObject({ to: 'outside', flags: 'RA' });
    const answer = { sourcePort: 1026, destinationPort: 20, flags: 'SA' };
    expect(only(bench.out(answer))).toMatchObject({ source: FIREWALL, sourcePort: 61_001 });
    expect(bench.firewall.entries()[1]).toMatchObject({ state: 'ESTABLISHED', remote: { port: 20 } });
  });

  test('shifts what follows, and its acknowledgements back (ip_masq_app.c, masq_fix_seq)', () => {
    const bench = withModule(kernel);
    bench.open();
    sendPort(bench);
    const next = { flags: 'PA', sequence: 1001 + PORT.length, payload: 'RETR a\r\n' };
    expect(only(bench.out(next))).toMatchObject({
      sequence: 1001 + PORT.length + GROWN,
      payload: 'RETR a\r\n',
    });
    const acknowledgement = 1001 + REWRITTEN.length;
    expect(only(bench.back({ sequence: 5001, acknowledgement }))).toMatchObject({
      acknowledgement: 1001 + PORT.length,
      sequence: 5001,
    });
    // What acknowledges less than the PORT is not shifted.
    expect(only(bench.back({ acknowledgement: 1001 }))).toMatchObject({ acknowledgement: 1001 });
  });

  test('shrinks where the text is shorter, and may stay as long as it was', () => {
    const bench = new Bench(kernel, [...MASQUERADING, 'modprobe ip_masq_ftp']);
    const source = '10.0.0.200';
    bench.open({ source });
    const long = 'PORT 010,000,000,200,00004,002\r\n';
    const shorter = REWRITTEN.length - long.length;
    expect(only(bench.out({ source, flags: 'PA', sequence: 1001, payload: long })).payload).toBe(REWRITTEN);
    const after = bench.out({ source, sequence: 1001 + long.length, payload: 'NOOP\r\n' });
    expect(only(after).sequence).toBe(1001 + long.length + shorter);
    const same = 'PORT 010,000,00,2,004,04\r\n';
    const sequence = 1001 + long.length + 6;
    const again = only(bench.out({ source, sequence, payload: same }));
    expect(again).toMatchObject({
      payload: 'PORT 203,0,113,1,238,74\r\n',
      sequence: sequence + shorter,
    });
  });

  test('sent again gets the same port, and shifts nothing twice (masq_seq_update)', () => {
    const bench = withModule(kernel);
    bench.open();
    expect(only(sendPort(bench)).payload).toBe(REWRITTEN);
    expect(only(sendPort(bench))).toMatchObject({ payload: REWRITTEN, sequence: 1001 });
    expect(bench.firewall.entries()).toHaveLength(2);
    expect(only(bench.out({ sequence: 1001 + PORT.length })).sequence).toBe(1001 + PORT.length + GROWN);
  });

  test('is not checked for whose address it names', () => {
    const bench = withModule(kernel);
    bench.open();
    sendPort(bench, 'PORT 10,0,0,77,4,2\r\n');
    expect(bench.states()[1]).toBe(`tcp 10.0.0.77:1026 (61001) ${SERVER}:0 LISTEN 120`);
  });

  test('shifts nothing of the next connection from the same port', () => {
    const bench = withModule(kernel);
    bench.open();
    sendPort(bench);
    bench.out({ flags: 'R', sequence: 1001 + PORT.length });
    expect(only(bench.out({ flags: 'S', sequence: 9000 }))).toMatchObject({
      sourcePort: 61_000,
      sequence: 9000,
    });
    expect(only(bench.out({ sequence: 9001 })).sequence).toBe(9001);
  });

  test('cut in two is not recognised: both parts leave as they are', () => {
    const bench = withModule(kernel);
    bench.open();
    expect(only(sendPort(bench, 'PORT 10,0,')).payload).toBe('PORT 10,0,');
    expect(only(bench.out({ sequence: 1011, payload: '0,2,4,2\r\n' }))).toMatchObject({
      sequence: 1011,
      payload: '0,2,4,2\r\n',
    });
    expect(bench.firewall.entries()).toHaveLength(1);
  });

  test('neither EPRT nor EPSV is known', () => {
    const bench = withModule(kernel);
    bench.open();
    expect(only(sendPort(bench, 'EPRT |1|10.0.0.2|1026|\r\n')).payload).toContain('10.0.0.2');
    bench.out({ sequence: 1025, payload: 'EPSV\r\n' });
    bench.back({ payload: '229 Entering Extended Passive Mode (|||5001|)\r\n' });
    expect(bench.firewall.entries()).toHaveLength(1);
  });
});

describe.each(KERNELS)('PASV in %s (ip_masq_ftp.c, masq_ftp_in)', (kernel) => {
  test('the 227 makes an entry with no source port in NONE, 30 min, and is not changed', () => {
    const bench = withModule(kernel);
    bench.open();
    bench.out({ flags: 'PA', sequence: 1001, acknowledgement: 5001, payload: 'PASV\r\n' });
    expect(only(bench.back({ flags: 'PA', payload: PASSIVE })).payload).toBe(PASSIVE);
    expect(bench.states()[1]).toBe(`tcp ${CLIENT}:0 (61001) ${SERVER}:5001 NONE 1800`);
    expect(bench.told('data-expected')).toMatchObject([
      { from: '227', entry: { inside: { port: 0 }, state: 'NONE' } },
    ]);
  });

  test('the client’s first data packet fills in its port (ip_fw_masquerade)', () => {
    const bench = withModule(kernel);
    bench.open();
    passive(bench);
    const dial = { sourcePort: 1030, destinationPort: 5001, flags: 'S' };
    expect(only(bench.out(dial))).toMatchObject({ source: FIREWALL, sourcePort: 61_001 });
    expect(bench.states()[1]).toBe(`tcp ${CLIENT}:1030 (61001) ${SERVER}:5001 SYN_SENT 120`);
    // A second one is another connection.
    expect(only(bench.out({ ...dial, sourcePort: 1031 })).sourcePort).toBe(61_002);
  });

  test('a 227 nobody asked for makes none', () => {
    const bench = withModule(kernel);
    bench.open();
    bench.back({ flags: 'PA', payload: PASSIVE });
    expect(bench.firewall.entries()).toHaveLength(1);
  });
});

describe('the control pointer (ip_masq.c, masq_expire)', () => {
  const transfer = (bench: Bench): (() => void) => {
    bench.open();
    passive(bench);
    bench.out({ sourcePort: 1030, destinationPort: 5001, flags: 'S' });
    bench.back({ sourcePort: 5001, destinationPort: 61_001, flags: 'SA' });
    return () => bench.back({ sourcePort: 5001, destinationPort: 61_001, payload: 'data' });
  };

  test('data packets leave the control timer as it is', () => {
    const bench = withModule();
    const data = transfer(bench);
    bench.wait(600);
    data();
    expect(bench.firewall.deadline()).toBe(900);
  });

  test('when the control timer runs out with a data entry left, it gets 2 min more, again and again', () => {
    const bench = withModule();
    const data = transfer(bench);
    for (let second = 0; second < 3600; second += 60) {
      bench.wait(60);
      data();
    }
    const kept = bench.events.flatMap((event) =>
      event.kind === 'masquerade' && event.change === 'kept' ? [event.at] : [],
    );
    expect(kept.slice(0, 3)).toEqual([900, 1020, 1140]);
    // The control connection still works, through the port it has always had.
    expect(only(bench.back({ payload: '226 done\r\n' }))).toMatchObject({
      to: 'inside',
      payload: '226 done\r\n',
    });
  });

  test('it goes once the data entry has gone', () => {
    const bench = withModule();
    transfer(bench);
    bench.wait(890);
    bench.back({ sourcePort: 5001, destinationPort: 61_001, flags: 'R' });
    bench.wait(10);
    expect(bench.told('masquerade').at(-1)).toMatchObject({ change: 'expired', at: 900 });
    expect(bench.firewall.entries()).toEqual([]);
  });

  test('without the module the control connection goes after its 15 minutes', () => {
    const bench = new Bench();
    const data = transfer(bench);
    bench.wait(899);
    data();
    bench.wait(1);
    expect(bench.states()).toHaveLength(1);
  });
});

describe('where it attaches (ip_masq_app.c, ip_masq_bind_app)', () => {
  test('to servers on port 21, unless ports= says otherwise', () => {
    const attached = (options: string, destinationPort: number): string => {
      const bench = withModule('2.2.14', options);
      bench.open({ destinationPort });
      return only(bench.out({ destinationPort, sequence: 1001, payload: PORT })).payload;
    };
    expect(attached('', 21)).toBe(REWRITTEN);
    expect(attached('', 2121)).toBe(PORT);
    expect(attached('ports=2121', 2121)).toBe(REWRITTEN);
    expect(attached('ports=2121', 21)).toBe(PORT);
    expect(attached('ports=21,2121', 21)).toBe(REWRITTEN);
  });

  test('when an entry is made: connections open before modprobe are not read', () => {
    const bench = new Bench();
    bench.open();
    bench.type('modprobe ip_masq_ftp');
    expect(only(sendPort(bench)).payload).toBe(PORT);
    bench.open({ sourcePort: 1500 });
    const rewritten = only(bench.out({ sourcePort: 1500, sequence: 1001, payload: PORT }));
    expect(rewritten.payload).toBe('PORT 203,0,113,1,238,74\r\n');
  });

  test('without a PORT the server’s dial-in from port 20 matches no entry', () => {
    const bench = withModule();
    bench.open();
    bench.out({ sequence: 1001, payload: 'RETR a\r\n' });
    const dial = { sourcePort: 20, destinationPort: 61_000, flags: 'S' };
    expect(only(bench.back(dial))).toMatchObject({ to: 'outside', flags: 'RA' });
  });
});

describe('what versions differ in', () => {
  test.each([
    ['2.2.14', 1023, true],
    ['2.2.14', 6000, true],
    ['2.2.19', 1023, false],
    ['2.2.19', 6000, false],
    ['2.2.19', 1024, true],
    ['2.2.19', 6001, true],
  ] as const)('%s: PORT for %i is rewritten: %s (masq_ftp_unsafe)', (kernel, port, rewritten) => {
    const bench = withModule(kernel);
    bench.open();
    const line = `PORT 10,0,0,2,${port >> 8},${port & 255}\r\n`;
    expect(only(sendPort(bench, line)).payload === line).toBe(!rewritten);
    expect(bench.told('port-refused')).toHaveLength(rewritten ? 0 : 1);
  });

  test('2.2.19 reads only connections that are ESTABLISHED', () => {
    const rewritten = (kernel: Kernel22): boolean => {
      const bench = withModule(kernel);
      bench.out({ flags: 'S', sequence: 1000 });
      return only(sendPort(bench)).payload === REWRITTEN;
    };
    expect([rewritten('2.2.14'), rewritten('2.2.19')]).toEqual([true, false]);
  });

  test('2.2.14 wants the 227’s bracket 22 bytes behind the code, 2.2.19 looks for its words', () => {
    const tracked = (kernel: Kernel22, reply: string): boolean => {
      const bench = withModule(kernel);
      bench.open();
      passive(bench, reply);
      return bench.firewall.entries().length === 2;
    };
    const odd = '227 Now Entering Passive Mode (203,0,113,9,19,137)\r\n';
    const counted = '227 Inventing Active Way= (203,0,113,9,19,137)\r\n';
    expect([tracked('2.2.14', odd), tracked('2.2.19', odd)]).toEqual([false, true]);
    expect([tracked('2.2.14', counted), tracked('2.2.19', counted)]).toEqual([true, false]);
  });

  test('in_ports= (2.2.19): a forwarded server’s 227 is rewritten, and its data entry listens', () => {
    const bench = new Bench('2.2.19', [...FORWARDING, 'modprobe ip_masq_ftp in_ports=21']);
    const client = { source: SERVER, sourcePort: 1025, destinationPort: 21 };
    const server = { source: CLIENT, sourcePort: 21, destinationPort: 1025 };
    bench.back({ ...client, flags: 'S', sequence: 1000 });
    bench.out({ ...server, flags: 'SA', sequence: 5000, acknowledgement: 1001 });
    bench.back({ ...client, sequence: 1001, acknowledgement: 5001, payload: 'PASV\r\n' });
    const reply = '227 Entering Passive Mode (10,0,0,2,19,137).\r\n';
    const sent = only(bench.out({ ...server, sequence: 5001, acknowledgement: 1007, payload: reply }));
    expect(sent.payload).toBe('227 Entering Passive Mode (203,0,113,1,238,72).\r\n');
    expect(bench.states()[1]).toBe(`tcp ${CLIENT}:5001 (61000) ${SERVER}:0 LISTEN 120`);
    const dial = { source: SERVER, sourcePort: 1030, destinationPort: 61_000, flags: 'S' };
    expect(only(bench.back(dial))).toMatchObject({
      to: 'inside',
      destination: CLIENT,
      destinationPort: 5001,
    });
  });

  test('in_ports= (2.2.19): a client’s PORT gives the server’s dial-out its control pointer', () => {
    const bench = new Bench('2.2.19', [...FORWARDING, 'modprobe ip_masq_ftp in_ports=21']);
    const client = { source: SERVER, sourcePort: 1025, destinationPort: 21 };
    const server = { source: CLIENT, sourcePort: 21, destinationPort: 1025 };
    bench.back({ ...client, flags: 'S', sequence: 1000 });
    bench.out({ ...server, flags: 'SA', sequence: 5000 });
    bench.back({ ...client, sequence: 1001, payload: 'PORT 203,0,113,9,19,137\r\n' });
    expect(bench.firewall.entries()[1]).toMatchObject({ state: 'NONE', inside: { port: 0 }, control: 1 });
    expect(only(bench.out({ ...server, sourcePort: 20, destinationPort: 5001, flags: 'S' })).sourcePort).toBe(
      61_000,
    );
  });

  test('without in_ports= a forwarded server’s 227 is left alone', () => {
    const bench = new Bench('2.2.19', [...FORWARDING, 'modprobe ip_masq_ftp']);
    bench.back({ source: SERVER, sourcePort: 1025, destinationPort: 21, flags: 'S' });
    const reply = { source: CLIENT, sourcePort: 21, destinationPort: 1025, payload: PASSIVE };
    bench.out({ ...reply, flags: 'SA', payload: '' });
    expect(only(bench.out(reply)).payload).toBe(PASSIVE);
  });
});
