import { ipchainsRuleset, parseIpchains } from '../../src/firewall/ipchains/dialect';
import type { FirewallSpec } from '../../src/firewall/kinds';

describe('the ruleset', () => {
  const SPEC: FirewallSpec = {
    nat: 'none',
    policy: 'drop',
    input: 'drop',
    commands: [],
    helper: { ports: [], openedBy: 'inside', attach: 'module' },
    forward: [],
    names: { firewall_outside: '203.0.113.1' },
    insideHost: '10.0.0.10',
    translates: false,
  };
  const FORWARDING = 'echo 1 > /proc/sys/net/ipv4/ip_forward';
  const REST = `ipchains -A input -i inside -j ACCEPT
ipchains -A output -i inside -j ACCEPT
ipchains -A input -i lo -j ACCEPT
ipchains -A output -i lo -j ACCEPT
`;
  const row = (text: string, number: number | null) => ({ table: '', text, row: number });

  test('with everything', () => {
    const spec: FirewallSpec = {
      ...SPEC,
      nat: 'masquerade',
      input: 'accept',
      helper: { ...SPEC.helper, ports: [21, 2121] },
      forward: [
        [21, 21],
        [5000, 5001],
      ],
      commands: [
        row('ipchains -M -S 7200 10 160', null),
        row('ipchains -A input -i outside -p tcp -s 0/0 20 -d 10.0.0.0/24 1025:65535 -j ACCEPT', 1),
        row('-A output -i outside -j ACCEPT', 2),
      ],
    };
    expect(ipchainsRuleset(spec)).toEqual({
      loader: 'ipchains',
      text: `${FORWARDING}
ipchains -P input ACCEPT
ipchains -P output DENY
ipchains -P forward ACCEPT
modprobe ip_masq_ftp ports=21,2121
ipchains -M -S 7200 10 160
ipchains -A input -i outside -p tcp -s 0/0 20 -d 10.0.0.0/24 1025:65535 -j ACCEPT
ipchains -A output -i outside -j ACCEPT
ipchains -A forward -i outside -j MASQ
${REST}ipchains -A input -i outside -j DENY
ipmasqadm portfw -a -P tcp -L 203.0.113.1 21 -R 10.0.0.10 21
ipmasqadm portfw -a -P tcp -L 203.0.113.1 5000 -R 10.0.0.10 5000
ipmasqadm portfw -a -P tcp -L 203.0.113.1 5001 -R 10.0.0.10 5001
`,
      rowLines: [
        { line: 7, row: 1, indent: 0 },
        { line: 8, row: 2, indent: 9 },
      ],
      // Of output, and the rule that stands for input's, which also speaks for the firewall itself.
      policyLines: [3, 14],
      textLines: [],
    });
  });

  test.each<[what: string, commands: string[], spec: Partial<FirewallSpec>, text: string]>([
    ['no rows: input and output deny', [], {}, `-P input DENY|-P output DENY|-P forward ACCEPT|REST`],
    [
      'accept',
      [],
      { policy: 'accept', input: 'accept' },
      `-P input ACCEPT|-P output ACCEPT|-P forward ACCEPT|REST`,
    ],
    [
      'the outside is accepted even where other packets to the firewall are not',
      [],
      { policy: 'accept' },
      `-P input DENY|-P output ACCEPT|-P forward ACCEPT|REST|-A input -i outside -j ACCEPT`,
    ],
    [
      'rules in forward: the policy stands there',
      ['-A forward -p tcp -j ACCEPT'],
      { input: 'accept' },
      `-P input ACCEPT|-P output ACCEPT|-P forward DENY|-A forward -p tcp -j ACCEPT|REST`,
    ],
    [
      'rules everywhere: so does the policy',
      ['-A forward -j ACCEPT', '-A output -j ACCEPT'],
      {},
      `-P input DENY|-P output DENY|-P forward DENY|-A forward -j ACCEPT|-A output -j ACCEPT|REST`,
    ],
    [
      'a classic script: its own policy stands, and masquerading filters nothing',
      ['-P forward DENY', '-A forward -i outside -j MASQ'],
      { input: 'accept', nat: 'masquerade', translates: true, forward: [[21, 21]] },
      `-P input ACCEPT|-P output ACCEPT|-P forward ACCEPT|-P forward DENY|-A forward -i outside -j MASQ|REST`,
    ],
    [
      'its own policy on input',
      ['-P input ACCEPT', '-A input -i outside -p tcp -y -j DENY'],
      { input: 'accept' },
      `-P input ACCEPT|-P output DENY|-P forward ACCEPT|-P input ACCEPT|-A input -i outside -p tcp -y -j DENY|REST`,
    ],
  ])('%s', (_what, commands, spec, expected) => {
    const { text } = ipchainsRuleset({ ...SPEC, ...spec, commands: commands.map((line) => row(line, null)) });
    expect(text.replace(REST, 'REST\n').replaceAll('ipchains ', '')).toBe(
      `${FORWARDING}\n${expected.replaceAll('|', '\n')}\n`,
    );
  });

  test('what it makes can be read', () => {
    const { text } = ipchainsRuleset({ ...SPEC, nat: 'masquerade', commands: [row('-N mine', null)] });
    expect(parseIpchains(text.replace(`${FORWARDING}\n`, '')).problems).toEqual([]);
  });

  test('ports are forwarded from an address that must be known', () => {
    expect(() => ipchainsRuleset({ ...SPEC, forward: [[21, 21]], names: {} })).toThrow(
      new Error('ports are forwarded from firewall_outside, which the names of this firewall lack'),
    );
  });
});
