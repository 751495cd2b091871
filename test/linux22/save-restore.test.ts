// ipchains-save and ipchains-restore (ipchains-scripts 1.1.2).
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { printIpchains, type IpchainsCommand } from '../../src/firewall/ipchains/dialect';
import { inChain } from '../firewall/ipchains-arbitrary';
import { Bench } from './bench-firewall';

const RULES = [
  'ipchains -P forward DENY',
  'ipchains -N mine',
  'ipchains -A input -p tcp -s ! 10.0.0.0/24 1025:65535 -d 10.0.0.2 21 -i ! outside -y -l -j mine',
  'ipchains -A input -p tcp -d 0/0 :1023 -j REDIRECT 8080',
  'ipchains -A input -p icmp --icmp-type redirect ! -f -m 7 -t 0x01 0x10 -o 64',
  'ipchains -A mine -p ! udp ! -f -i eth+ -j RETURN',
];
const SAVED = [
  ':input ACCEPT',
  ':forward DENY',
  ':output ACCEPT',
  ':mine -',
  '-A input -s ! 10.0.0.0/255.255.255.0 1025:65535 -d 10.0.0.2/255.255.255.255 21:21 -i ! outside -p 6 -j mine -l -y',
  '-A input -s 0.0.0.0/0.0.0.0 -d 0.0.0.0/0.0.0.0 :1023 -p 6 -j REDIRECT 8080',
  '-A input -s 0.0.0.0/0.0.0.0 5:5 -d 0.0.0.0/0.0.0.0 -p 1 ! -f -m 7 -o 64 -t 0x01 0x10',
  '-A mine -s 0.0.0.0/0.0.0.0 -d 0.0.0.0/0.0.0.0 -i eth+ -p ! 17 -j RETURN ! -f',
  '',
].join('\n');

describe('ipchains-save', () => {
  test('prints policies and rules', () => {
    expect(new Bench('2.2.19', RULES).type('ipchains-save')).toBe(SAVED);
  });

  test('one chain; -v says on its error output which', () => {
    expect(new Bench('2.2.19', RULES).firewall.run('/sbin/ipchains-save -v mine', 0)).toEqual({
      code: 0,
      output: `Saving \`mine'.\n:mine -\n${SAVED.split('\n')[7]}\n`,
      standardOutput: `:mine -\n${SAVED.split('\n')[7]}\n`,
    });
  });

  test.each([
    ['ipchains-save nowhere', /unknown chain "nowhere"; known: input, forward, output, mine/],
    ['ipchains-save -x', /"-x" is too much/],
    ['ipchains-restore /etc/rules', /with the rules on its standard input/],
  ])('%s', (line, message) => {
    const result = new Bench('2.2.19', RULES).firewall.run(line, 0);
    expect(result.code).toBe(1);
    expect(result.output).toMatch(message);
  });
});

describe('ipchains-restore', () => {
  const restore = (bench: Bench, options: string, input: string) =>
    bench.firewall.run(`ipchains-restore ${options}`, 0, { input });
  const count = (bench: Bench): number => bench.firewall.ruleCounters().length;

  test('reads what was saved, and asks whose rules it makes', () => {
    const bench = new Bench('2.2.19', []);
    const rowOf = ({ kind, line, text }: IpchainsCommand): number | null =>
      kind === 'append' && text === SAVED.split('\n')[line] ? line : null;
    expect(bench.firewall.run('ipchains-restore', 0, { input: SAVED, rowOf })).toEqual({
      output: '',
      code: 0,
    });
    expect(bench.type('ipchains-save')).toBe(SAVED);
    expect(bench.firewall.ruleCounters().map(({ row }) => row)).toEqual([4, 5, 6, 7]);
  });

  test.each([
    ['', 7, ["Chain `mine' already exists. Skip or flush? [S/f]?", "Skipping `mine'."]],
    ['-p', 7, []],
    ['-f', 7, []],
    [
      '-v -f',
      7,
      ['input', 'forward', 'output', 'mine']
        .map((name) => `Restoring \`${name}'.`)
        .concat("Flushing `mine'."),
    ],
    ['-fp', 7, []],
  ])('%s: a user chain that is there; built-in ones keep what they have', (options, rules, said) => {
    const bench = new Bench('2.2.19', RULES);
    expect(restore(bench, options, SAVED)).toEqual({
      code: 0,
      output: said.map((line) => `${line}\n`).join(''),
    });
    expect(count(bench)).toBe(rules);
  });

  test('stops at the first line that is wrong, and names it', () => {
    const bench = new Bench('2.2.19', []);
    expect(restore(bench, '', '# saved\n:input DENY\n-A input -j DROP\n-A input -j DENY\n')).toEqual({
      code: 1,
      output:
        'ipchains-restore: line 3: -A input -j DROP: target DROP is not in ipchains, it came with iptables; the word here is DENY\n',
    });
    expect(bench.firewall.policies().input).toBe('DENY');
    expect(count(bench)).toBe(0);
  });
});

test('any rules, saved and restored, list the same', () => {
  fc.assert(
    fc.property(fc.array(inChain), (rules) => {
      const made = ['mine', 'FTP-in', 'eight888'].map((name) => `ipchains -N ${name}`);
      const lines = rules.map((both) => printIpchains([{ kind: 'append', ...both }]).trim());
      const bench = new Bench('2.2.19', [...made, ...lines]);
      const other = new Bench('2.2.19', []);
      const input = bench.type('ipchains-save');
      const { code, output } = other.firewall.run('ipchains-restore', 0, { input });
      if (code !== 0) throw new Error(`${output} in ${input}`);
      const list = 'ipchains -L -v -n';
      if (other.type(list) !== bench.type(list)) throw new Error(`${bench.type(list)}: ${input}`);
    }),
    { seed: 22 },
  );
});
