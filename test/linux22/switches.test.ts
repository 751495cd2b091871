// /proc/sys/net/ipv4: which files there are, what they say, and what those do that do something.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Firewall22, WORKING_SWITCHES, type Kernel22 } from '../../src/linux22';
import {
  Bench,
  CLIENT,
  FIREWALL,
  FIREWALL_INSIDE,
  FORWARDING,
  MASQUERADING,
  SERVER,
  only,
} from './bench-firewall';
import { icmp, tcp, udp } from './packets';

const STRANGER = '203.0.113.77';
const MARTIAN = { source: '127.0.0.1', destination: FIREWALL, sourcePort: 1025, destinationPort: 21 };
const ECHO = { source: CLIENT, destination: FIREWALL_INSIDE, type: 8, identifier: 5 };

function shipped(kernel: Kernel22): Firewall22 {
  return new Firewall22({
    kernel,
    interfaces: {
      inside: { address: FIREWALL_INSIDE, prefix: 24 },
      outside: { address: FIREWALL, prefix: 24 },
    },
    now: 0,
  });
}

const write = (bench: Bench, path: string, text: string): void => {
  expect(bench.firewall.setSwitch(path, text, bench.now)).toBeNull();
};
const logged = (bench: Bench): string[] =>
  bench.events.flatMap((event) => (event.kind === 'log' ? [event.line] : []));

describe('the files (sysctl_net_ipv4.c, ipv4_table; devinet.c, devinet_sysctl)', () => {
  test('say what they say as shipped', () => {
    const files = shipped('2.2.19').switches();
    expect([...files].filter(([path]) => path.startsWith('conf/outside/'))).toEqual([
      ['conf/outside/forwarding', '0'],
      ['conf/outside/mc_forwarding', '0'],
      ['conf/outside/accept_redirects', '1'],
      ['conf/outside/secure_redirects', '1'],
      ['conf/outside/shared_media', '1'],
      ['conf/outside/rp_filter', '0'],
      ['conf/outside/send_redirects', '1'],
      ['conf/outside/accept_source_route', '1'],
      ['conf/outside/proxy_arp', '0'],
      ['conf/outside/bootp_relay', '0'],
      ['conf/outside/log_martians', '0'],
      ['conf/outside/hidden', '0'],
      ['conf/outside/arp_filter', '0'],
    ]);
    const some = {
      ip_forward: '0',
      ip_local_port_range: '1024\t4999',
      ipfrag_high_thresh: '262144',
      tcp_fin_timeout: '180',
      'conf/all/accept_source_route': '0',
      'conf/default/accept_source_route': '1',
      'conf/lo/rp_filter': '0',
      'route/redirect_silence': '2048',
    };
    expect(Object.fromEntries(files)).toMatchObject(some);
  });

  test('2.2.14 lacks what came later', () => {
    const early = shipped('2.2.14').switches();
    const late = [...shipped('2.2.19').switches().keys()].filter((path) => !early.has(path));
    expect(late).toEqual([
      'ip_masq_udp_dloose',
      ...['all', 'default', 'inside', 'outside', 'lo'].map((folder) => `conf/${folder}/arp_filter`),
    ]);
  });

  test.each([
    ['ip_forward', '1', '1'],
    ['ip_forward', ' 1 and so on', '1'],
    ['ip_forward', '-1', '-1'],
    ['ip_forward', '0x10', '16'],
    ['ip_forward', '010', '8'],
    ['ip_local_port_range', '32768 61000', '32768\t61000'],
    ['ip_local_port_range', '2048', '2048\t4999'],
    ['tcp_fin_timeout', '30', '30'],
  ])('%s takes "%s" (sysctl.c, do_proc_dointvec)', (path, text, expected) => {
    const firewall = shipped('2.2.19');
    expect(firewall.setSwitch(path, text, 0)).toBeNull();
    expect(firewall.switches().get(path)).toBe(expected);
  });

  test.each([
    ['ip_forward', '', 'Invalid argument: found ""; allowed: a whole number, e.g. 0'],
    ['ip_forward', 'yes', 'Invalid argument: found "yes"; allowed: a whole number, e.g. 0'],
    ['ip_forward', '1x', 'Invalid argument: found "1x"; allowed: a whole number, e.g. 0'],
    ['ip_local_port_range', '0 5000', 'Invalid argument: found "0 5000"; allowed: 1 to 65535'],
    ['tcp_retries1', '256', 'Invalid argument: found "256"; allowed: up to 255'],
    ['conf/all/mc_forwarding', '1', 'Permission denied; it can only be read'],
  ])('%s refuses "%s"', (path, text, wrong) => {
    expect(shipped('2.2.19').setSwitch(path, text, 0)).toBe(wrong);
  });

  test('a file there is not', () => {
    expect(shipped('2.2.14').setSwitch('ip_forwards', '1', 0)).toBe(
      'No such file or directory; did you mean ip_forward? those that do something here: ip_forward, ' +
        'ip_always_defrag, ip_masq_debug, icmp_echo_ignore_all, conf/X/forwarding, conf/X/rp_filter, ' +
        'conf/X/send_redirects, conf/X/log_martians, X one of all, inside, outside, lo',
    );
  });
});

describe('echo to a file', () => {
  test.each(['echo 1 > ', '/bin/echo "1" >', 'echo -n 1 >> '])('%s', (front) => {
    const firewall = shipped('2.2.19');
    expect(firewall.run(`${front}/proc/sys/net/ipv4/ip_forward 2>/dev/null`, 0)).toEqual({
      output: '',
      code: 0,
    });
    expect(firewall.switches().get('ip_forward')).toBe('1');
  });

  test.each([
    ['echo 1 > /etc/motd', 'echo: /etc/motd: there are no files here but those of /proc/sys/net/ipv4/\n'],
    [
      'echo 1> /proc/sys/net/ipv4/ip_forward',
      'echo: /proc/sys/net/ipv4/ip_forward: Invalid argument: found ""; allowed: a whole number, e.g. 0; ' +
        'the ">" needs a blank before it\n',
    ],
    [
      'echo on > /proc/sys/net/ipv4/ip_forward',
      'echo: /proc/sys/net/ipv4/ip_forward: Invalid argument: found "on"; allowed: a whole number, e.g. 0\n',
    ],
  ])('%s', (line, output) => {
    expect(shipped('2.2.19').run(line, 0)).toEqual({ output, code: 1 });
  });

  test('without one it prints', () => {
    expect(shipped('2.2.19').run('echo "Starting the firewall"', 0)).toEqual({
      output: 'Starting the firewall\n',
      code: 0,
    });
  });
});

describe('ip_forward (devinet.c, inet_forward_change; route.c, ip_route_input_slow)', () => {
  test('off as shipped: packets for others go no further than input, and nobody is told', () => {
    const bench = new Bench('2.2.19', [...MASQUERADING, 'ipchains -A input', 'ipchains -A forward']);
    write(bench, 'ip_forward', '0');
    expect(bench.out({ flags: 'S' })).toEqual([]);
    const counts = bench.firewall.ruleCounters().map(({ chain, packets }) => [chain, packets]);
    expect(counts).toEqual([
      ['input', 1],
      ['forward', 0],
      ['forward', 0],
    ]);
    expect(bench.firewall.refusals()).toEqual({ 'forwarding is off': 1 });
    // Its own business goes on.
    expect(bench.from('inside', icmp(ECHO))).toHaveLength(1);
  });

  test('off in the middle of a connection: replies are not passed on either', () => {
    const bench = new Bench();
    bench.open();
    write(bench, 'ip_forward', '0');
    expect(bench.back({ flags: 'PA', sequence: 5001, payload: '220\r\n' })).toEqual([]);
  });

  test('sets the switch of each interface, and only when it changes', () => {
    const { firewall } = new Bench();
    const forwarding = (): (string | undefined)[] =>
      ['all', 'default', 'inside', 'outside', 'lo'].map((one) =>
        firewall.switches().get(`conf/${one}/forwarding`),
      );
    expect(forwarding()).toEqual(['1', '1', '1', '1', '1']);
    expect(firewall.switches().get('conf/all/accept_redirects')).toBe('0');
    firewall.setSwitch('conf/outside/forwarding', '0', 0);
    firewall.setSwitch('ip_forward', '1', 0);
    expect(forwarding()).toEqual(['1', '1', '1', '0', '1']);
    firewall.setSwitch('conf/all/forwarding', '0', 0);
    expect(firewall.switches().get('ip_forward')).toBe('0');
    expect(forwarding()).toEqual(['0', '0', '0', '0', '0']);
  });

  test('what counts is the switch of the interface a packet came in by', () => {
    const bench = new Bench('2.2.19', FORWARDING);
    write(bench, 'conf/outside/forwarding', '0');
    expect(bench.out({ flags: 'S' })).toHaveLength(1);
    expect(bench.back({ flags: 'S', sourcePort: 1025, destinationPort: 21 })).toEqual([]);
  });
});

describe('ip_masq_udp_dloose (ip_masq.c, ip_masq_new)', () => {
  const isAnswered = (value: string, insidePort: number): boolean => {
    const bench = new Bench();
    write(bench, 'ip_masq_udp_dloose', value);
    const ends = { source: CLIENT, destination: SERVER, sourcePort: insidePort, destinationPort: 53 };
    const port = only(bench.from('inside', udp(ends))).sourcePort;
    const stranger = { source: STRANGER, destination: FIREWALL, sourcePort: 4000, destinationPort: port };
    return only(bench.from('outside', udp(stranger))).protocol === 17;
  };
  test.each([
    ['0', 1025, false],
    ['1', 1025, true],
    ['1', 1023, false],
    ['2', 1023, true],
  ])('%s, from port %i: a stranger may answer from another port: %s', (value, port, expected) => {
    expect(isAnswered(value, port)).toBe(expected);
  });

  test('entries there are keep what they have', () => {
    const bench = new Bench();
    const port = only(
      bench.from(
        'inside',
        udp({ source: CLIENT, destination: SERVER, sourcePort: 1025, destinationPort: 53 }),
      ),
    ).sourcePort;
    write(bench, 'ip_masq_udp_dloose', '2');
    const stranger = { source: STRANGER, destination: FIREWALL, sourcePort: 4000, destinationPort: port };
    expect(only(bench.from('outside', udp(stranger))).protocol).toBe(1);
  });
});

describe('ip_always_defrag (ip_input.c, ip_rcv; ip_masq.c, ip_masq_new and masq_expire; ip_fw.c, find_special)', () => {
  const says = (bench: Bench): string | undefined => bench.firewall.switches().get('ip_always_defrag');

  test('each entry raises it, and the first REDIRECT for good', () => {
    const bench = new Bench();
    bench.open();
    bench.type('ipchains -A input -p tcp -d 0/0 8080 -j REDIRECT 80', 'ipchains -F input');
    expect(says(bench)).toBe('2');
    bench.wait(900);
    expect(says(bench)).toBe('1');
  });

  test('what is written counts from there: entries that end leave it below', () => {
    const bench = new Bench();
    bench.open();
    write(bench, 'ip_always_defrag', '0');
    expect(says(bench)).toBe('0');
    bench.wait(900);
    expect(says(bench)).toBe('-1');
  });

  test('on, fragments are put together before input', () => {
    const bench = new Bench('2.2.19', ['ipchains -A input']);
    write(bench, 'ip_always_defrag', '1');
    const ends = { source: CLIENT, destination: SERVER, sourcePort: 1025, destinationPort: 53 };
    const first = udp({ ...ends, payload: 'x'.repeat(24), offset: 0, moreFragments: true, id: 1 });
    expect(bench.from('inside', first)).toEqual([]);
    expect(bench.firewall.ruleCounters()[0]).toMatchObject({ packets: 0 });
  });
});

describe('rp_filter (fib_frontend.c, fib_validate_source)', () => {
  const forged = tcp({
    source: CLIENT,
    destination: FIREWALL,
    sourcePort: 1025,
    destinationPort: 21,
    flags: 'S',
  });

  test.each([
    ['0', '0', false],
    ['1', '0', false],
    ['0', '1', false],
    ['1', '1', true],
  ])('all %s, outside %s: an inside source from the outside is dropped: %s', (all, outside, expected) => {
    const bench = new Bench();
    write(bench, 'conf/all/rp_filter', all);
    write(bench, 'conf/outside/rp_filter', outside);
    bench.from('outside', Buffer.from(forged));
    expect(bench.firewall.refusals()['source on the other side'] === 1).toBe(expected);
  });
});

describe('smaller ones', () => {
  test('icmp_echo_ignore_all (icmp.c, icmp_echo)', () => {
    const bench = new Bench();
    expect(bench.from('inside', icmp(ECHO))).toHaveLength(1);
    write(bench, 'icmp_echo_ignore_all', '1');
    expect(bench.from('inside', icmp(ECHO))).toEqual([]);
  });

  test('send_redirects: one is enough to send them (linux/inetdevice.h, IN_DEV_TX_REDIRECTS)', () => {
    const detour = { source: CLIENT, destination: '10.0.0.3' };
    const count = (all: string, inside: string): number => {
      const bench = new Bench();
      write(bench, 'conf/all/send_redirects', all);
      write(bench, 'conf/inside/send_redirects', inside);
      bench.type('ipchains -P forward ACCEPT');
      return bench.out(detour).length;
    };
    expect([count('1', '1'), count('0', '1'), count('0', '0')]).toEqual([2, 2, 1]);
  });

  test('log_martians, addresses as they lie in memory (route.c, ip_route_input_slow)', () => {
    const bench = new Bench();
    const martian = (): unknown => bench.from('outside', tcp(MARTIAN));
    martian();
    expect(logged(bench)).toEqual([]);
    write(bench, 'conf/outside/log_martians', '1');
    for (let count = 0; count < 13; count += 1) martian();
    const line = 'martian source 0100007f for 017100cb, dev outside';
    // No more than ten in a row (net/core/utils.c, net_ratelimit).
    expect(logged(bench)).toEqual(Array.from({ length: 10 }, () => line));
    bench.wait(5);
    martian();
    expect(logged(bench).slice(10)).toEqual(['NET: 3 messages suppressed.', line]);
  });
});

describe('what the kernel says of masquerading', () => {
  const spoilt = (packet: Buffer): Buffer => {
    packet.writeUInt8(packet.readUInt8(packet.length - 1) ^ 1, packet.length - 1);
    return packet;
  };

  test('wrong checksums (ip_masq.c, ip_fw_masquerade and ip_fw_demasquerade)', () => {
    const bench = new Bench();
    const out = { source: CLIENT, destination: SERVER, sourcePort: 1025, destinationPort: 21, payload: 'a' };
    bench.from('inside', spoilt(tcp(out)));
    bench.from('outside', spoilt(udp({ ...out, source: SERVER, destination: FIREWALL })));
    expect(logged(bench)).toEqual([
      `IP_MASQ:Outgoing failed TCP checksum from ${CLIENT} (size=21)!`,
      `IP_MASQ:Incoming failed UDP checksum from ${SERVER} (size=9)!`,
    ]);
    write(bench, 'ip_masq_debug', '-1');
    bench.from('inside', spoilt(tcp(out)));
    expect(logged(bench)).toHaveLength(2);
  });

  test('a wrong checksum of an ICMP error (ip_masq.c, ip_fw_demasq_icmp)', () => {
    const bench = new Bench();
    const port = bench.open();
    const body = tcp({ source: FIREWALL, destination: SERVER, sourcePort: port, destinationPort: 21 });
    bench.from('outside', spoilt(icmp({ source: SERVER, destination: FIREWALL, type: 3, code: 3, body })));
    expect(logged(bench)).toEqual([`IP_MASQ:reverse ICMP: failed checksum from ${SERVER}!`]);
  });

  test('no port for one remote end, and after four times nothing (ip_masq.c, ip_masq_new)', () => {
    const bench = new Bench();
    for (let port = 0; port < 4096 + 6; port += 1)
      bench.from(
        'inside',
        udp({ source: CLIENT, destination: SERVER, sourcePort: 1025 + port, destinationPort: 53 }),
      );
    const line = `IP_MASQ:ip_masq_new(proto=UDP): could not get free masq entry (free=${40_960 - 4096}).`;
    expect(logged(bench)).toEqual(Array.from({ length: 4 }, () => line));
  });
});

test('the manual names those that do something, and no others', () => {
  const manual = readFileSync(join(__dirname, '../../docs/linux-2.2.md'), 'utf8').replace(/\s+/g, ' ');
  const named = /do what they did: (.*?)\. All others/.exec(manual)?.[1] ?? '';
  expect(named.split(', ').map((name) => name.replaceAll('`', ''))).toEqual(
    expect.arrayContaining([...WORKING_SWITCHES]),
  );
  expect(named.split(', ')).toHaveLength(WORKING_SWITCHES.length);
});
