import { describe, expect, test } from '@jest/globals';
import { makeRuleset } from '../../src/firewall/rulesets';
import { Bench, CLIENT, FIREWALL, FORWARDING, MASQUERADING, SERVER } from './bench-firewall';
import { icmp } from './packets';

const said = (bench: Bench, line: string): { output: string; code: number } =>
  bench.firewall.run(line, bench.now);

describe('ipchains -L (ipchains 1.3.9, list_entries and print_firewall)', () => {
  const bench = new Bench('2.2.14', [
    'ipchains -P forward DENY',
    'ipchains -N ftp',
    'ipchains -A input -p tcp -s 0/0 1025:65535 -d 10.0.0.0/24 21 -i outside -j ftp',
    'ipchains -A input -p tcp ! -y -l -s ! 10.0.0.2 -j DENY',
    'ipchains -A input -p icmp --icmp-type echo-request -j REJECT',
    'ipchains -A input -p udp -d 0/0 53 -t 0x01 0x10 -m 7 -j REDIRECT 5353',
    'ipchains -A forward -i outside -j MASQ',
    'ipchains -A ftp',
  ]);

  test('-n', () => {
    expect(bench.type('ipchains -L -n')).toBe(
      [
        'Chain input (policy ACCEPT):',
        'target     prot opt     source                destination           ports',
        'ftp        tcp  ------  0.0.0.0/0            10.0.0.0/24           1025:65535 ->   21',
        'DENY       tcp  !y--l- !10.0.0.2             0.0.0.0/0             * ->   *',
        'REJECT     icmp ------  0.0.0.0/0            0.0.0.0/0             8 ->   *',
        'REDIRECT   udp  ------  0.0.0.0/0            0.0.0.0/0             * ->   53 => 5353',
        'Chain forward (policy DENY):',
        'target     prot opt     source                destination           ports',
        'MASQ       all  ------  0.0.0.0/0            0.0.0.0/0             n/a',
        'Chain output (policy ACCEPT):',
        'Chain ftp (1 references):',
        'target     prot opt     source                destination           ports',
        '-          all  ------  0.0.0.0/0            0.0.0.0/0             n/a',
        '',
      ].join('\n'),
    );
  });

  test('without -n the names of the time', () => {
    const lines = bench.type('ipchains -L input').split('\n');
    expect(lines.slice(2, 5)).toEqual([
      'ftp        tcp  ------  anywhere             10.0.0.0/24           1025:65535 ->   ftp',
      'DENY       tcp  !y--l- !10.0.0.2             anywhere              any ->   any',
      'REJECT     icmp ------  anywhere             anywhere              echo-request',
    ]);
  });

  test('-v: counters, TOS, interface, mark', () => {
    bench.from('outside', icmp({ source: SERVER, destination: FIREWALL, type: 8 }));
    const lines = bench.type('ipchains -L input -v -n --line-numbers').split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'Chain input (policy ACCEPT: 0 packets, 0 bytes):',
      'num   pkts bytes target     prot opt    tosa tosx  ifname     mark       outsize  source                destination           ports',
      '1        0     0 ftp        tcp  ------ 0xFF 0x00  outside                        0.0.0.0/0            10.0.0.0/24           1025:65535 ->   21',
    ]);
    expect(lines[4]).toMatch(/^3 {8}1 {4}36 REJECT /);
    expect(lines[5]).toContain('0x01 0x10  *          0x7');
  });

  test('-Z sets the rules’ counters to zero; -L -Z prints them first', () => {
    expect(bench.type('ipchains -L -Z -v -n')).toMatch(/1 {4}36 REJECT/);
    expect(bench.type('ipchains -L -v -n')).not.toMatch(/36 REJECT/);
  });
});

describe('ipchains -M -L (ipchains 1.3.9, list_masq and print_masq)', () => {
  test('prints time left, ends, and ports with the firewall’s in brackets', () => {
    const bench = new Bench();
    bench.open();
    bench.now = 0.03;
    expect(bench.type('ipchains -M -L -n')).toBe(
      [
        'IP masquerading entries',
        'prot expire   source               destination          ports',
        `TCP  14:59.97 ${CLIENT.padEnd(20)} ${SERVER.padEnd(20)} 1025 (61000) -> 21`,
        '',
      ].join('\n'),
    );
  });

  test('two hours are 120 minutes; -v shows the shift of the sequence numbers', () => {
    const bench = new Bench('2.2.19', [
      ...MASQUERADING,
      'modprobe ip_masq_ftp',
      'ipchains -M -S 7200 10 160',
    ]);
    bench.open();
    bench.out({ sequence: 1001, payload: 'PORT 10,0,0,2,4,2\r\n' });
    const lines = bench.type('ipchains -M -L -n -v').split('\n');
    expect(lines[1]).toBe(
      'prot expire      initseq delta prevd source               destination          ports',
    );
    expect(lines).toContain(
      `TCP  120:00.00       1001     6     0 ${CLIENT.padEnd(20)} ${SERVER.padEnd(20)} 1025 (61000) -> 21`,
    );
    expect(lines).toContainEqual(expect.stringMatching(/^TCP {2}02:00\.00 .* 1026 \(61001\) -> 0$/));
  });

  test('prints a heading of its own only with entries below it', () => {
    expect(new Bench().type('ipchains -M -L')).toBe('IP masquerading entries\n');
  });
});

describe('commands that change chains', () => {
  test('-I, -R, -D by number and by rule, -F, -N and -X', () => {
    const bench = new Bench('2.2.14', []);
    const rules = (): string[] =>
      bench
        .type('ipchains -L input -n')
        .split('\n')
        .slice(2, -1)
        .map((line) => line.slice(0, 4).trim());
    bench.type('ipchains -A input -p tcp -j ACCEPT', 'ipchains -I input -p udp -j DENY');
    bench.type('ipchains -I input 3 -p icmp -j REJECT');
    expect(rules()).toEqual(['DENY', 'ACCE', 'REJE']);
    bench.type('ipchains -R input 2 -p tcp -j RETURN', 'ipchains -D input 1');
    expect(rules()).toEqual(['RETU', 'REJE']);
    bench.type('ipchains -D input -p icmp -j REJECT');
    expect(rules()).toEqual(['RETU']);
    bench.type('ipchains -N mine', 'ipchains -A mine -j ACCEPT', 'ipchains -A input -j mine');
    expect(said(bench, 'ipchains -X mine')).toEqual({
      code: 1,
      output: 'ipchains: Device or resource busy; rules that jump to mine: 1\n',
    });
    bench.type('ipchains -F');
    expect(rules()).toEqual([]);
    bench.type('ipchains -X mine');
    expect(said(bench, 'ipchains -L mine').code).toBe(2);
  });

  test('-b with -I: the second rule stands before the first (ipchains.c, insert_entry)', () => {
    const bench = new Bench('2.2.14', ['ipchains -I input -p tcp -s 10.0.0.2 21 -b -j ACCEPT']);
    const [, , one, two] = bench.type('ipchains -L input -n').split('\n');
    expect(one).toContain('* ->   21');
    expect(two).toContain('21 ->   *');
  });

  test.each([
    ['ipchains -D input 1', 1, /^ipchains: No chain by that name; input has no rules, found 1\n$/],
    ['ipchains -D input -p tcp -j DENY', 1, /^ipchains: bad rule/],
    ['ipchains -I input 3 -j DENY', 1, /allowed: 1 to 1, found 3/],
    ['ipchains -A nowhere -j DENY', 2, /^ipchains: column 13: unknown chain "nowhere"/],
    ['ipchains -A input -j DROP', 2, /the word here is DENY/],
    ['ipchains', 2, /no command/],
    ['iptables -L', 127, /^iptables: command not found; known: ipchains/],
    ['constructor', 127, /command not found/],
    ['modprobe ip_nat_ftp', 255, /^modprobe: Can't locate module ip_nat_ftp/],
    ['modprobe ip_masq_ftp ports=0', 255, /each from 1 to 65535/],
    ['rmmod ip_masq_ftp', 1, /^rmmod: module ip_masq_ftp is not loaded/],
    [
      'ipmasqadm portfw -a -P tcp -L 1.2.3.4 61000 -R 10.0.0.2 21',
      2,
      /"61000" is no port here; allowed: 1 to 60999/,
    ],
    ['ipmasqadm portfw -d -P tcp -L 1.2.3.4 21', 2, /1\.2\.3\.4 port 21 is not forwarded/],
    ['ipmasqadm autofw -h', 2, /"autofw" is not here/],
  ])('%s: code %i', (line, code, message) => {
    const result = said(new Bench('2.2.14', []), line);
    expect(result.code).toBe(code);
    expect(result.output).toMatch(message);
  });

  test('comments and empty lines do nothing; errors can be sent away', () => {
    const bench = new Bench('2.2.14', []);
    expect(said(bench, '# Insert ip_masq_ftp')).toEqual({ output: '', code: 0 });
    expect(said(bench, 'modprobe nothing 2>/dev/null')).toEqual({ output: '', code: 255 });
  });
});

describe('modules', () => {
  test('the FAQ’s rc.sysinit, and lsmod', () => {
    const bench = new Bench('2.2.14', [
      'modprobe ip_masq_ftp',
      'modprobe parport_pc 2>/dev/null',
      'modprobe lp 2>/dev/null',
    ]);
    expect(bench.type('lsmod')).toBe(
      [
        'Module                  Size  Used by',
        'lp                      4412   0  (unused)',
        'parport_pc              5620   0  (unused)',
        'parport                 7092   2  [lp parport_pc]',
        'ip_masq_ftp             2616   0  (unused)',
        '',
      ].join('\n'),
    );
  });

  test('rmmod fails while a control connection has an entry (masq_ftp_init_1), and works after it', () => {
    const bench = new Bench('2.2.14', [...MASQUERADING, 'modprobe ip_masq_ftp']);
    bench.open();
    expect(bench.type('lsmod')).toContain('ip_masq_ftp             2616   1\n');
    expect(said(bench, 'rmmod ip_masq_ftp')).toEqual({
      output: 'rmmod: ip_masq_ftp: Device or resource busy\n',
      code: 1,
    });
    bench.wait(900);
    bench.type('rmmod ip_masq_ftp');
    bench.open();
    expect(bench.firewall.entries()).toMatchObject([{ ftp: false }]);
  });

  test('a second modprobe changes nothing; in_ports= came with 2.2.19', () => {
    const bench = new Bench('2.2.14', [
      ...MASQUERADING,
      'modprobe ip_masq_ftp',
      'modprobe ip_masq_ftp ports=2121',
    ]);
    bench.open();
    expect(bench.firewall.entries()).toMatchObject([{ ftp: true }]);
    expect(said(new Bench('2.2.14', []), 'modprobe ip_masq_ftp in_ports=21').output).toBe(
      'modprobe: invalid parameter in_ports=21; it came with 2.2.19, and this is 2.2.14; known: ports=\n',
    );
    const many = Array.from({ length: 12 }, (_, index) => index + 1).join(',');
    expect(said(new Bench('2.2.19', []), `modprobe ip_masq_ftp ports=${many}`).output).toMatch(
      /up to 11 ports/,
    );
    new Bench('2.2.14', []).type(`modprobe ip_masq_ftp ports=${many}`);
  });

  test('ipmasqadm portfw lists what it forwards, and loads its module', () => {
    const bench = new Bench('2.2.14', FORWARDING);
    expect(bench.type('ipmasqadm portfw -l -n')).toBe(
      [
        'prot localaddr            rediraddr               lport    rport  pcnt  pref',
        'TCP  203.0.113.1          10.0.0.2                   21       21    10    10',
        '',
      ].join('\n'),
    );
    expect(bench.type('lsmod')).toContain('ip_masq_portfw          2560   1\n');
    bench.type(`ipmasqadm portfw -d -P tcp -L ${FIREWALL} 21`);
    expect(bench.back({ flags: 'S', destinationPort: 21 })).toHaveLength(1);
    expect(bench.firewall.entries()).toEqual([]);
  });
});

describe('rows', () => {
  test('a rule knows the row it comes from, with -b both rules do', () => {
    const bench = new Bench('2.2.14', []);
    bench.firewall.load([
      { table: '', text: '-P input DENY', row: null },
      { table: '', text: 'ipchains -A input -p tcp -s 10.0.0.2 -b -j ACCEPT', row: 1 },
      { table: '', text: '-I input -p udp -j DENY', row: 2 },
    ]);
    bench.out({});
    expect(bench.firewall.ruleCounters()).toEqual([
      { chain: 'input', number: 1, packets: 0, bytes: 0, row: 2 },
      { chain: 'input', number: 2, packets: 1, bytes: 40, row: 1 },
      { chain: 'input', number: 3, packets: 0, bytes: 0, row: 1 },
    ]);
  });

  test('a ruleset of the lab’s loads as it is', () => {
    const ruleset = makeRuleset('ipchains', {
      nat: 'masquerade',
      policy: 'drop',
      input: 'drop',
      commands: [{ table: '', text: '-A output -p tcp -d 0/0 21 -j ACCEPT', row: 1 }],
      helper: { ports: [21], openedBy: 'inside', attach: 'module' },
      forward: [[20, 21]],
      names: { firewall_outside: FIREWALL },
      insideHost: CLIENT,
      translates: false,
    });
    const bench = new Bench('2.2.14', []);
    bench.firewall.loadRuleset(ruleset);
    expect(bench.out({ flags: 'S' })).toHaveLength(1);
    expect(bench.firewall.ruleCounters().filter(({ row }) => typeof row === 'number')).toMatchObject([
      { chain: 'output', packets: 1 },
    ]);
    expect(bench.type('lsmod')).toMatch(/ip_masq_portfw.*\n.*ip_masq_ftp/);
  });

  test('a line that is refused stops the loading, and is named', () => {
    const bench = new Bench('2.2.14', []);
    const load = (): void => {
      bench.firewall.load([{ table: '', text: '-A input -j DROP', row: 1 }]);
    };
    expect(load).toThrow('"ipchains -A input -j DROP" was refused with code 2: ipchains: column');
  });
});
