import {
  bothWays,
  ipchains,
  parseIpchains,
  printIpchains,
  type IpchainsCommand,
  type IpchainsRule,
} from '../../src/firewall/ipchains/dialect';
import type { DialectContext } from '../../src/firewall/kinds';

const CONTEXT: DialectContext = {
  kind: 'ipchains',
  names: { inside_net: '10.0.0.0/24' },
  firstRow: 1,
};

const ANY = { network: { not: false, value: { address: '0.0.0.0', prefix: 0 } }, ports: null } as const;
const BARE: IpchainsRule = {
  protocol: { not: false, value: 0 },
  source: ANY,
  destination: ANY,
  interface: null,
  syn: null,
  fragment: null,
  bidirectional: false,
  log: false,
  outputSize: null,
  mark: null,
  tos: null,
  target: null,
};

function one(text: string): IpchainsCommand {
  const { commands, problems } = parseIpchains(text, CONTEXT);
  expect(problems).toEqual([]);
  const [command] = commands;
  if (!command || commands.length > 1) throw new Error(`${commands.length} commands`);
  return command;
}

function ruleOf(text: string): IpchainsRule {
  const command = one(text);
  if (!('rule' in command)) throw new Error(`${command.kind} has no rule`);
  return command.rule;
}

describe('what is read', () => {
  test('a row of the FAQ, whole', () => {
    const text = 'ipchains -A input -i outside -p tcp -s 0/0 20 -d 10.0.0.0/24 1025:65535 -y -j DENY';
    expect(parseIpchains(`\n  ${text}  # data`)).toEqual({
      problems: [],
      commands: [
        {
          kind: 'append',
          chain: 'input',
          line: 1,
          column: 2,
          text,
          rule: {
            ...BARE,
            protocol: { not: false, value: 6 },
            source: { ...ANY, ports: { not: false, value: [20, 20] } },
            destination: {
              network: { not: false, value: { address: '10.0.0.0', prefix: 24 } },
              ports: { not: false, value: [1025, 65535] },
            },
            interface: { not: false, value: { name: 'outside', prefix: false } },
            syn: { not: false },
            target: { kind: 'special', name: 'DENY' },
          },
        },
      ],
    });
  });

  test.each<[what: string, text: string, same: string]>([
    ['a path', '/sbin/ipchains -A input -j DENY', '-A input -j DENY'],
    ['no program', '-A input -j DENY', '-A input -j DENY'],
    ['tabs', 'ipchains\t-A\tinput\t-j\tDENY', '-A input -j DENY'],
    ['quotes', `ipchains -A "input" -j 'DENY'`, '-A input -j DENY'],
    ['flags that share a dash', '-A input -p tcp -ylv -j DENY', '-A input -p tcp -y -l -j DENY'],
    ['values without a blank', '-Ainput -ptcp -jDENY', '-A input -p tcp -j DENY'],
    [
      'long flags',
      '--append input --protocol tcp --source 10.0.0.1 --destination 10.0.0.2 --interface eth0 --syn --log --jump DENY',
      '-A input -i eth0 -p tcp -s 10.0.0.1 -d 10.0.0.2 -y -l -j DENY',
    ],
    ['long flags made short', '--app input --proto=tcp --bidir --ju DENY', '-A input -p tcp -b -j DENY'],
    ['--src, --dst', '-A input --src 10.0.0.1 --dst 10.0.0.2', '-A input -s 10.0.0.1 -d 10.0.0.2'],
    [
      '--sport, --dport',
      '-A input -p udp --sport 53 --dport 1024:',
      '-A input -p udp -s 0/0 53 -d 0/0 1024:65535',
    ],
    [
      '--source-port and an address',
      '-A input -p tcp -s 10.0.0.1 --source-port 21',
      '-A input -p tcp -s 10.0.0.1 21',
    ],
    ['a port up to', '-A input -p tcp -d 0/0 :1023', '-A input -p tcp -d 0/0 :1023'],
    ['all ports', '-A input -p tcp -d 0/0 1:65535', '-A input -p tcp -d 0/0 1:65535'],
    ['a protocol by number', '-A input -p 6', '-A input -p tcp'],
    ['a protocol in capitals', '-A input -p UDP', '-A input -p udp'],
    ['any protocol', '-A input -p all', '-A input'],
    ['another protocol', '-A input -p ! 47', '-A input -p ! 47'],
    ['! after the flag', '-A input -s ! 10.0.0.1', '-A input -s ! 10.0.0.1'],
    ['! before the flag', '-A input ! -s 10.0.0.1', '-A input -s ! 10.0.0.1'],
    ['! on ports', '-A input -p tcp -s 0/0 ! 80', '-A input -p tcp -s 0/0 ! 80'],
    [
      '! --dport, both ways',
      '-A input -p tcp ! --sport 1 --dport ! 2',
      '-A input -p tcp -s 0/0 ! 1 -d 0/0 ! 2',
    ],
    [
      '! after an address, for the next flag',
      '-A input -s 10.0.0.1 ! -d 10.0.0.2',
      '-A input -s 10.0.0.1 -d ! 10.0.0.2',
    ],
    ['! -y', '-A input -p tcp ! -y', '-A input -p tcp ! -y'],
    ['fragments', '-A input -f', '-A input -f'],
    ['! -f, which may have ports', '-A input -p tcp --dport 1 ! -f', '-A input -p tcp -d 0/0 1 ! -f'],
    ['an interface’s beginning', '-A input -i ! ppp+', '-A input -i ! ppp+'],
    ['any interface', '-A input -i +', '-A input'],
    ['a mask in dots', '-A input -s 10.1.2.3/255.255.0.0', '-A input -s 10.1.0.0/16'],
    ['a name before /0', '-A input -s any/0', '-A input'],
    ['a whole address', '-A input -s 10.0.0.1/32', '-A input -s 10.0.0.1'],
    ['a name of ours', '-A input -s $inside_net', '-A input -s 10.0.0.0/24'],
    ['an ICMP name', '-A input -p icmp -s 0/0 ping', '-A input -p icmp -s 0/0 8'],
    [
      'an ICMP name with a code',
      '-A input -p icmp --icmp-type Port-Unreach',
      '-A input -p icmp -s 0/0 3 -d 0/0 3',
    ],
    ['ICMP numbers', '-A input -p icmp -s 0/0 ! 3 -d 0/0 0:4', '-A input -p icmp -s 0/0 ! 3 -d 0/0 :4'],
    [
      'ICMP ranges open at an end',
      '-A input -p icmp -s 0/0 8: -d 0/0 :4',
      '-A input -p icmp -s 0/0 8:255 -d 0/0 :4',
    ],
    ['-o alone', '-A input -o', '-A input -o 65535'],
    ['-o with a size', '-A input -o 64 -l', '-A input -l -o 64'],
    ['a mark in hex', '-A input -m 0x10', '-A input -m 16'],
    ['a mark in octal', '-A input -m 010', '-A input -m 8'],
    ['a mark to subtract', '-A input -m -1', '-A input -m +4294967295'],
    ['TOS', '-A input -t 1 0x10', '-A input -t 0x01 0x10'],
    ['REDIRECT to a port', '-A input -p tcp -j REDIRECT 3128', '-A input -p tcp -j REDIRECT 3128'],
    ['REDIRECT', '-A input -p tcp -j REDIRECT', '-A input -p tcp -j REDIRECT'],
    ['insert, first', '-I output -j ACCEPT', '-I output 1 -j ACCEPT'],
    ['insert', '-I output 3 -j ACCEPT', '-I output 3 -j ACCEPT'],
    ['replace', '-R output 3 -j ACCEPT', '-R output 3 -j ACCEPT'],
    ['delete by rule', '-D output -j ACCEPT', '-D output -j ACCEPT'],
    ['delete by number', '-D output 2 -v', '-D output 2'],
    ['flush all', '-F', '-F'],
    ['flush one', '--flush input', '-F input'],
    ['zero', '-Z forward', '-Z forward'],
    ['list', '-nL input -v --line-numbers', '-L input'],
    ['list and zero', '-L -Z', '-Z'],
    ['delete all chains', '-X', '-X'],
    ['policy', '-P forward MASQ', '-P forward MASQ'],
    ['the FAQ’s timeouts', 'ipchains -M -S 7200 10 160', '-M -S 7200 10 160'],
    ['-S without -M, which ipchains forgives', '-S 0 0 160', '-M -S 0 0 160'],
    ['masquerade list', '-M -L -n', '-M -L'],
    ['--no-warnings', '-A forward -j MASQ --no-warnings', '-A forward -j MASQ'],
  ])('%s: %s', (_what, text, same) => {
    expect(printIpchains([one(text)])).toBe(`ipchains ${same}\n`);
  });

  test('a range open below begins at 0, for packets may; one open on both sides says nothing', () => {
    expect(ruleOf('-A input -p tcp --dport :1023').destination.ports?.value).toEqual([0, 1023]);
    expect(ruleOf('-A input -p tcp --dport :65535').destination.ports).toBeNull();
  });

  test('marks and TOS as the kernel has them', () => {
    expect(ruleOf('-A input -m 5 -t 0x01 0x08')).toMatchObject({
      mark: { absolute: true, value: 5 },
      tos: { and: 1, xor: 8 },
    });
    expect(ruleOf('-A input -m -2').mark).toEqual({ absolute: false, value: 0xfffffffe });
  });

  test('user chains: known from -N to -X', () => {
    const text = '-N ftp\n-A ftp -j RETURN\n-A input -j ftp\n-F ftp\n-X ftp\n-A input -j ftp';
    const { commands, problems } = parseIpchains(text);
    expect(commands.map(({ kind }) => kind)).toEqual([
      'new-chain',
      'append',
      'append',
      'flush',
      'delete-chain',
    ]);
    expect(commands[2]).toMatchObject({ rule: { target: { kind: 'chain', chain: 'ftp' } } });
    expect(problems.map(({ line }) => line)).toEqual([5]);
    expect(parseIpchains('-N ftp\n-X\n-F ftp').problems.map(({ line }) => line)).toEqual([2]);
  });

  test('MASQ and REDIRECT may stand in a user chain, wherever it is called from', () => {
    const text = '-N mine\n-A mine -j MASQ\n-A mine -p udp -j REDIRECT 53';
    expect(parseIpchains(text).problems).toEqual([]);
  });

  test('line ends of every kind, comments, blank lines', () => {
    const { commands, problems } = parseIpchains('# café\r\n\r\n  -F # é\r\n\t-X\r-Z\n');
    expect(problems).toEqual([]);
    expect(commands.map(({ line, column, text }) => [line, column, text])).toEqual([
      [2, 2, '-F'],
      [3, 1, '-X'],
      [4, 0, '-Z'],
    ]);
  });

  test('10,000 lines', () => {
    const text = 'ipchains -A input -i outside -p tcp -s 0/0 20 -d 10.0.0.0/24 1025:65535 -j ACCEPT\n'.repeat(
      10_000,
    );
    expect(parseIpchains(text).commands).toHaveLength(10_000);
  });
});

describe('-b', () => {
  test('without it there is one rule', () => {
    const rule = ruleOf('-A input -p tcp -s 10.0.0.1 21');
    expect(bothWays(rule)).toEqual([rule]);
  });

  test('addresses, ports and their ! change ends; -y does not', () => {
    const rule = ruleOf('-A input -b -p tcp -y -s ! 10.0.0.1 21 -d 10.0.0.2 ! 80 -j DENY');
    const [there, back, ...more] = bothWays(rule);
    expect(more).toEqual([]);
    expect(there).toEqual({ ...rule, bidirectional: false });
    expect(back).toEqual(ruleOf('-A input -p tcp -y -s 10.0.0.2 ! 80 -d ! 10.0.0.1 21 -j DENY'));
  });

  test('ICMP: addresses change ends, type and code stay', () => {
    const rule = ruleOf('-A input -b -p icmp -s 10.0.0.1 3 -d 10.0.0.2 4');
    expect(bothWays(rule)[1]).toEqual(ruleOf('-A input -p icmp -s 10.0.0.2 3 -d 10.0.0.1 4'));
  });
});

describe('the dialect', () => {
  test('rules are rows, from the first number on; every command is there, as canonical text', () => {
    const text = `ipchains -P forward DENY
ipchains -N ftp
  ipchains -A ftp --src $inside_net -j DENY   # none
/sbin/ipchains -I input -b -j REJECT
ipchains -R input 1 -j ftp
ipchains -D input 1
ipchains -M -S 7200 10 160`;
    expect(ipchains.parse(text, { ...CONTEXT, firstRow: 7 })).toEqual({
      rows: [
        { row: 7, text: 'ipchains -A ftp --src $inside_net -j DENY', line: 2, column: 2, stops: true },
        { row: 8, text: '/sbin/ipchains -I input -b -j REJECT', line: 3, column: 0, stops: true },
        { row: 9, text: 'ipchains -R input 1 -j ftp', line: 4, column: 0, stops: false },
      ],
      commands: [
        { table: '', text: 'ipchains -P forward DENY', row: null, line: 0 },
        { table: '', text: 'ipchains -N ftp', row: null, line: 1 },
        { table: '', text: 'ipchains -A ftp -s 10.0.0.0/24 -j DENY', row: 7 },
        { table: '', text: 'ipchains -I input 1 -b -j REJECT', row: 8 },
        { table: '', text: 'ipchains -R input 1 -j ftp', row: 9 },
        { table: '', text: 'ipchains -D input 1', row: null, line: 5 },
        { table: '', text: 'ipchains -M -S 7200 10 160', row: null, line: 6 },
      ],
      problems: [],
      policy: 'drop',
      translates: false,
    });
  });

  test.each([
    ['-P input DENY', null, false],
    ['-P forward ACCEPT', 'accept', false],
    ['-P forward REJECT', 'drop', false],
    ['-P forward MASQ', 'accept', true],
    ['-P forward MASQ\n-P forward DENY', 'drop', false],
    ['-A forward -i outside -j MASQ', null, true],
    ['-N mine\n-I mine -j MASQ', null, true],
    ['-A forward -j ACCEPT', null, false],
  ])('%s: policy %s, translates %s', (text, policy, translates) => {
    expect(ipchains.parse(text, CONTEXT)).toMatchObject({ policy, translates, problems: [] });
  });

  test('another kind of firewall loads no ipchains', () => {
    expect(ipchains.parse('\n -F', { ...CONTEXT, kind: 'iptables' })).toEqual({
      rows: [],
      commands: [],
      problems: [
        { line: 1, column: 1, message: 'these are ipchains commands; they are loaded on kind: ipchains' },
      ],
      policy: null,
      translates: false,
    });
  });
});
