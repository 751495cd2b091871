import { describe, expect, test } from '@jest/globals';
import { Bench, CLIENT, FIREWALL, FIREWALL_INSIDE, SERVER, only, seen } from './bench-firewall';
import { icmp, ip, tcp, udp, type Tcp } from './packets';

/** A firewall with rules only, where everything that no rule stops goes through. */
const withRules = (...rules: readonly string[]): Bench =>
  new Bench(
    '2.2.14',
    rules.map((rule) => `ipchains ${rule}`),
  );
const passes = (rule: string, fields: Partial<Tcp>): boolean => withRules(rule).out(fields).length === 1;

describe('what a rule matches (ip_fw.c, ip_rule_match)', () => {
  const cases: readonly (readonly [rule: string, fields: Partial<Tcp>, passes: boolean])[] = [
    // -y: SYN set, ACK and RST clear; FIN does not matter.
    ['-A input -p tcp -y -j DENY', { flags: 'S' }, false],
    ['-A input -p tcp -y -j DENY', { flags: 'SF' }, false],
    ['-A input -p tcp -y -j DENY', { flags: 'SA' }, true],
    ['-A input -p tcp -y -j DENY', { flags: 'SR' }, true],
    ['-A input -p tcp -y -j DENY', { flags: 'A' }, true],
    ['-A input -p tcp ! -y -j DENY', { flags: 'S' }, true],
    ['-A input -p tcp ! -y -j DENY', { flags: 'FA' }, false],
    // addresses, masks and their opposites
    ['-A input -s 10.0.0.0/24 -j DENY', {}, false],
    ['-A input -s 10.0.1.0/24 -j DENY', {}, true],
    ['-A input -s ! 10.0.0.0/24 -j DENY', {}, true],
    ['-A input -d ! 10.0.0.0/24 -j DENY', {}, false],
    // ports, ranges and their opposites
    ['-A input -p tcp -d 0/0 21 -j DENY', {}, false],
    ['-A input -p tcp -d 0/0 ! 21 -j DENY', {}, true],
    ['-A input -p tcp -s 0/0 1025:65535 -j DENY', { sourcePort: 1025 }, false],
    ['-A input -p tcp -s 0/0 1025:65535 -j DENY', { sourcePort: 1024 }, true],
    ['-A input -p tcp -s 0/0 :1023 -j DENY', { sourcePort: 1023 }, false],
    // protocols
    ['-A input -p udp -j DENY', {}, true],
    ['-A input -p ! udp -j DENY', {}, false],
    ['-A input -p 6 -j DENY', {}, false],
    // interfaces: where it came in, or where it leaves
    ['-A input -i inside -j DENY', {}, false],
    ['-A input -i outside -j DENY', {}, true],
    ['-A input -i ! outside -j DENY', {}, false],
    ['-A input -i in+ -j DENY', {}, false],
    ['-A input -i out+ -j DENY', {}, true],
    ['-A input -i eth0 -j DENY', {}, true],
    ['-A forward -i outside -j DENY', {}, false],
    ['-A forward -i inside -j DENY', {}, true],
    ['-A output -i outside -j DENY', {}, false],
    // both ways is two rules (ipchains.c, swap_info)
    [`-A input -p tcp -s ${SERVER} 21 -d ${CLIENT} -b -j DENY`, {}, false],
    [`-A input -p tcp -s ${SERVER} 21 -d ${CLIENT} -j DENY`, {}, true],
  ];
  test.each(cases)('%s, %j: %s', (rule, fields, expected) => {
    expect(passes(rule, fields)).toBe(expected);
  });

  test('ICMP: the type stands where the source port would, the code where the destination’s would', () => {
    const ping = icmp({ source: CLIENT, destination: SERVER, type: 8 });
    const passed = (rule: string): boolean => withRules(rule).from('inside', ping).length === 1;
    expect(passed('-A input -p icmp -s 0/0 8 -j DENY')).toBe(false);
    expect(passed('-A input -p icmp -s 0/0 0 -j DENY')).toBe(true);
    expect(passed('-A input -p icmp -s 0/0 8 -d 0/0 1 -j DENY')).toBe(true);
    expect(passed('-A input -p icmp --icmp-type echo-request -j DENY')).toBe(false);
  });
});

describe('fragments (ip_fw.c, ip_fw_check)', () => {
  const ends = { source: CLIENT, destination: SERVER };
  const later = ip(6, { ...ends, offset: 100 }, Buffer.alloc(64));
  const first = tcp({ ...ends, sourcePort: 1025, destinationPort: 21, moreFragments: true });
  const verdicts = (rule: string): boolean[] =>
    [first, later].map((packet) => withRules(rule).from('inside', Buffer.from(packet)).length === 1);

  test('the first is a packet like any other; later ones match no rule with ports or -y', () => {
    expect(verdicts('-A input -p tcp -d 0/0 21 -j DENY')).toEqual([false, true]);
    expect(verdicts('-A input -p tcp ! -y -j DENY')).toEqual([false, true]);
    expect(verdicts('-A input -p tcp -d 0/0 ! 22 -j DENY')).toEqual([false, true]);
    expect(verdicts('-A input -p tcp -j DENY')).toEqual([false, false]);
  });

  test('-f matches later ones, ! -f all others', () => {
    expect(verdicts('-A input -f -j DENY')).toEqual([true, false]);
    expect(verdicts('-A input ! -f -j DENY')).toEqual([false, true]);
  });

  test('one of TCP at offset 8, and a first one too short for its flags, are blocked whatever the rules say', () => {
    const bench = withRules('-A input -j ACCEPT');
    expect(bench.from('inside', ip(6, { ...ends, offset: 1 }, Buffer.alloc(64)))).toEqual([]);
    expect(bench.from('inside', ip(6, { ...ends, moreFragments: true }, Buffer.alloc(8)))).toEqual([]);
    expect(bench.firewall.ruleCounters()).toMatchObject([{ packets: 0 }]);
  });
});

describe('where a packet goes', () => {
  test('user chains: jump, return, fall off the end, and what has no target only counts', () => {
    const bench = withRules(
      '-N ftp',
      '-N deep',
      '-A ftp -p tcp -y -j RETURN',
      '-A ftp -j deep',
      '-A ftp -j REJECT',
      '-A deep -s 10.0.0.0/8',
      '-A input -p tcp -d 0/0 21 -j ftp',
      '-A input -j ACCEPT',
    );
    expect(only(bench.out({ flags: 'S' })).to).toBe('outside');
    expect(only(bench.out({ flags: 'A' }))).toMatchObject({ to: 'inside', type: 3, code: 3 });
    expect(only(bench.out({ flags: 'A', destinationPort: 22 })).to).toBe('outside');
    const counted = bench.firewall
      .ruleCounters()
      .map(({ chain, number, packets }) => `${chain} ${number} ${packets}`);
    expect(counted).toEqual(['input 1 2', 'input 2 2', 'ftp 1 1', 'ftp 2 1', 'ftp 3 1', 'deep 1 1']);
  });

  test('a loop is blocked', () => {
    const bench = withRules('-N one', '-N two', '-A one -j two', '-A two -j one', '-A input -j one');
    expect(bench.out({})).toEqual([]);
  });

  test('REJECT: port unreachable from input (ip_rcv), host unreachable from forward and output (ip_forward)', () => {
    // Without -i the rule in output would stop the answer, too.
    const answers = ['-A input', '-A forward', '-A output -i outside'].map((rule) => {
      const { to, source, type, code } = only(withRules(`${rule} -j REJECT`).out({}));
      return `${to} ${source} ${type} ${code}`;
    });
    expect(answers).toEqual(['inside 10.0.0.1 3 3', 'inside 10.0.0.1 3 1', 'inside 10.0.0.1 3 1']);
  });

  test('an ICMP error is never answered by one (icmp.c, icmp_send)', () => {
    const bench = withRules('-A input -j REJECT');
    const error = icmp({ source: CLIENT, destination: SERVER, type: 3, body: Buffer.alloc(28) });
    expect(bench.from('inside', error)).toEqual([]);
    expect(bench.from('inside', icmp({ source: CLIENT, destination: SERVER, type: 8 }))).toHaveLength(1);
  });

  test('REDIRECT leads to a port of the firewall’s own, and nobody listens there', () => {
    const bench = withRules('-A input -p tcp -d 0/0 21 -j REDIRECT 3128');
    // In the server's name nothing is reset (tcp_ipv4.c, tcp_v4_send_reset).
    const refused = { to: 'inside', source: FIREWALL_INSIDE, type: 3, code: 3 };
    expect(only(bench.out({ flags: 'S', sequence: 9 }))).toMatchObject(refused);
    expect(bench.out({ flags: 'R' })).toEqual([]);
    expect(only(bench.out({ flags: 'S', sequence: 9, destination: FIREWALL_INSIDE }))).toMatchObject({
      to: 'inside',
      source: FIREWALL_INSIDE,
      sourcePort: 21,
      flags: 'RA',
      acknowledgement: 10,
    });
  });

  test('policies are ACCEPT until set, and count what no rule matched', () => {
    const bench = withRules('-A input -p udp -j ACCEPT');
    bench.out({});
    expect(bench.type('ipchains -L input -v -n')).toContain('policy ACCEPT: 1 packets, 40 bytes');
    bench.type('ipchains -P input DENY');
    expect(bench.out({})).toEqual([]);
  });

  test('-t changes the TOS; the checksum stays right', () => {
    expect(only(withRules('-A output -t 0x01 0x10').out({ tos: 0x08 })).tos).toBe(0x10);
  });

  test('-l logs (ip_fw.c, dump_packet)', () => {
    const bench = withRules('-A input -j ACCEPT -p udp', '-A input -p tcp -y -l -j DENY');
    bench.out({ flags: 'S' });
    expect(bench.told('log')).toEqual([
      {
        kind: 'log',
        at: 0,
        line: `Packet log: input DENY inside PROTO=6 ${CLIENT}:1025 ${SERVER}:21 L=40 S=0x00 I=7 F=0x0000 T=64 SYN (#2)`,
      },
    ]);
  });
});

describe('the firewall’s own business', () => {
  test('answers echo requests, closed ports and unknown protocols (ip_input.c, ip_local_deliver)', () => {
    const bench = withRules();
    const ends = { source: SERVER, destination: FIREWALL };
    expect(only(bench.from('outside', icmp({ ...ends, type: 8, identifier: 5 })))).toMatchObject({
      to: 'outside',
      source: FIREWALL,
      type: 0,
      identifier: 5,
      payload: 'abcdefgh',
    });
    expect(only(bench.from('outside', udp({ ...ends, sourcePort: 9, destinationPort: 9 })))).toMatchObject({
      type: 3,
      code: 3,
    });
    expect(only(bench.from('outside', ip(47, ends, Buffer.alloc(8))))).toMatchObject({ type: 3, code: 2 });
    // Multicast's own protocol it knows.
    expect(seen(bench.from('outside', ip(2, ends, Buffer.alloc(8))))).toMatchObject([{ to: 'local' }]);
  });
});
