import type { FirewallKind } from '../../src/firewall/kinds';
import { helperOf, MODULES, parseModule, refuseForeignModules } from '../../src/firewall/modules';
import { PRODUCT_NAMES, PRODUCTS, runScript } from '../../src/firewall/products';

// What NetMAX releases ship, what their start scripts do, and what the modules amount to.

const helper = (modules: readonly string[], nat = true) => helperOf(modules.map(parseModule), nat, 'rule');

describe('products', () => {
  test.each([
    ['netmax-2.x', 'ipchains', '2.2', 'rc.sysinit', [], []],
    ['netmax-3.x', 'ipchains', '2.2', 'rc.sysinit', ['ip_masq_ftp'], []],
    ['netmax-4.0', 'iptables', '2.4', 'rc.firewall.local', [], []],
    ['netmax-4.01', 'iptables', '2.4', 'rc.firewall.local', [], []],
    ['netmax-4.02', 'iptables', '2.4', 'rc.firewall.local', ['ip_conntrack_ftp', 'ip_nat_ftp'], []],
  ] as const)('%s', (name, kind, kernel, startScript, withNat, without) => {
    const product = PRODUCTS[name];
    expect(product).toMatchObject({ kind, kernel, startScript });
    expect([product.modulesByDefault(true), product.modulesByDefault(false)]).toEqual([withNat, without]);
    for (const module of withNat) expect(product.loads).toContain(module);
    // What is loaded by default must be loadable here.
    expect(helper(product.modulesByDefault(true)).ports).toEqual(withNat.length > 0 ? [21] : []);
  });

  test('the table and its names are of one mind', () => {
    expect(Object.keys(PRODUCTS)).toEqual(PRODUCT_NAMES);
  });
});

describe('start scripts', () => {
  test('rc.sysinit, with the FAQ’s addition', () => {
    const text = [
      '# no passive mode needed',
      'modprobe ip_masq_ftp',
      '',
      '# printer',
      'modprobe parport_pc 2>/dev/null',
      '\t/sbin/modprobe lp >/dev/null 2>&1',
      '  /sbin/ipchains -M -S 7200 10 160  # two hours',
      'ipchains  -P forward DENY 2> /dev/null',
    ].join('\r\n');
    expect(runScript(text, 'ipchains')).toEqual({
      modules: [
        { text: 'ip_masq_ftp', line: 1, column: 9 },
        { text: 'parport_pc', line: 4, column: 9 },
        { text: 'lp', line: 5, column: 16 },
      ],
      commands: [
        { text: 'ipchains -M -S 7200 10 160', line: 6, column: 8 },
        { text: 'ipchains  -P forward DENY', line: 7, column: 0 },
      ],
      problems: [],
    });
  });

  test('rc.firewall.local, with the FAQ’s two lines', () => {
    const text = 'modprobe ip_conntrack_ftp ports=21,2121\ninsmod ip_nat_ftp  ports=21,2121\niptables -L\n';
    const { modules, commands, problems } = runScript(text, 'iptables');
    expect(modules.map((module) => parseModule(module.text))).toEqual([
      { name: 'ip_conntrack_ftp', ports: [21, 2121] },
      { name: 'ip_nat_ftp', ports: [21, 2121] },
    ]);
    expect(commands).toEqual([{ text: 'iptables -L', line: 2, column: 0 }]);
    expect(problems).toEqual([]);
  });

  const run = (tool: string) =>
    `lines that are: modprobe NAME [ports=...], insmod NAME [ports=...], ${tool} ..., comments`;
  const cases: readonly (readonly [string, FirewallKind, string, string, string])[] = [
    ['shell', 'ipchains', '# x\n  fi', '1:2', `"fi" is not run here; ${run('ipchains')}`],
    [
      'a bare word',
      'iptables',
      'iptables-save',
      '0:0',
      `"iptables-save" is not run here; ${run('iptables')}`,
    ],
    [
      'the tool of another kind',
      'iptables',
      'ipchains -L',
      '0:0',
      `"ipchains -L" is not run here; ${run('iptables')}`,
    ],
    [
      'a tool from elsewhere',
      'ipchains',
      '/tmp/ipchains -L',
      '0:0',
      `"/tmp/ipchains -L" is not run here; ${run('ipchains')}`,
    ],
    ['nftables', 'nftables', 'iptables -L', '0:0', `"iptables -L" is not run here; ${run('nft')}`],
    [
      'an unknown module',
      'ipchains',
      '/sbin/modprobe ip_masq_irc',
      '0:15',
      `unknown module "ip_masq_irc"; known: ${MODULES.join(', ')}`,
    ],
    ['no module', 'ipchains', 'modprobe', '0:8', `unknown module ""; known: ${MODULES.join(', ')}`],
    [
      'a second command in a line',
      'ipchains',
      'modprobe lp; reboot',
      '0:9',
      `unknown module "lp;"; known: ${MODULES.join(', ')}`,
    ],
    [
      'a bad port',
      'iptables',
      'modprobe ip_nat_ftp ports=0',
      '0:9',
      'port 0 is out of range; allowed: 1 to 65535',
    ],
  ];
  test.each(cases)('refused: %s', (_, kind, text, place, message) => {
    const { modules, commands, problems } = runScript(text, kind);
    expect(problems.map((found) => [`${found.line}:${found.column}`, found.message])).toEqual([
      [place, message],
    ]);
    expect([modules, commands]).toEqual([[], []]);
  });
});

describe('modules', () => {
  test.each<readonly [string, object]>([
    ['ip_masq_ftp', { name: 'ip_masq_ftp', ports: [21] }],
    ['ip_masq_ftp ports=1,2,3,4,5,6,7,8,9,10,11,12', { ports: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }],
    ['ip_masq_ftp ports=2121 in_ports=21', { ports: [2121], inPorts: [21] }],
    ['ip_conntrack_ftp ports=21,2121', { ports: [21, 2121] }],
    ['nf_conntrack_ftp ports=2121', { name: 'ip_conntrack_ftp', ports: [2121] }],
    ['nf_nat_ftp', { name: 'ip_nat_ftp', ports: [21] }],
    ['nf_conntrack', { name: 'ip_conntrack', ports: [] }],
    ...['ip_conntrack', 'iptable_nat', 'ip_tables', 'ip_masq_portfw', 'parport_pc', 'lp'].map(
      (name) => [name, { name, ports: [] }] as const,
    ),
  ])('%s', (text, module) => {
    expect(parseModule(text)).toMatchObject(module);
  });

  test.each([
    ['ip_masq_ftp ports=1,2,3,4,5,6,7,8,9,10,11,12,13', '13 ports; allowed: up to 12'],
    ['ip_nat_ftp ports=1,2,3,4,5,6,7,8,9', '9 ports; allowed: up to 8'],
    ['ip_conntrack_ftp ports=65536', 'port 65536 is out of range; allowed: 1 to 65535'],
    ['ip_conntrack_ftp ports=ftp', 'unknown option "ports=ftp"; known: ports=21,2121'],
    [
      'ip_nat_ftp in_ports=21',
      'in_ports= is an option of ip_masq_ftp (from Linux 2.2.19); ip_nat_ftp knows: ports=21,2121',
    ],
    ['ip_conntrack ports=2121', 'unknown option "ports=2121"; ip_conntrack takes none here'],
    [
      'ip_masq_irc',
      'unknown module "ip_masq_irc"; known: ip_conntrack_ftp, ip_nat_ftp, ip_masq_ftp, ip_conntrack, iptable_nat, ip_tables, ip_masq_portfw, parport_pc, lp',
    ],
    ['constructor', `unknown module "constructor"; known: ${MODULES.join(', ')}`],
  ])('refused: %s', (text, message) => {
    expect(() => parseModule(text)).toThrow(new Error(message));
  });

  test.each([
    [[], true, { ports: [], openedBy: 'anybody' }],
    [['lp', 'ip_conntrack'], true, { ports: [], openedBy: 'anybody' }],
    [['ip_masq_ftp ports=21,2121', 'ip_masq_portfw'], true, { ports: [21, 2121], openedBy: 'inside' }],
    [['ip_masq_ftp in_ports=21'], true, { ports: [21], openedBy: 'inside', inPorts: [21] }],
    [['ip_conntrack_ftp'], false, { ports: [21], openedBy: 'anybody' }],
    [['ip_conntrack_ftp ports=2121', 'ip_nat_ftp'], true, { ports: [2121], openedBy: 'anybody' }],
    [['ip_masq_ftp', 'ip_masq_ftp'], true, { ports: [21], openedBy: 'inside' }],
  ])('%j, NAT %j: the helper', (modules, nat, attachment) => {
    for (const attach of ['rule', 'module'] as const) {
      expect(helperOf(modules.map(parseModule), nat, attach)).toEqual({ ...attachment, attach });
    }
  });

  test.each([
    [['ip_nat_ftp'], true, 'ip_nat_ftp needs ip_conntrack_ftp; list both'],
    [
      ['ip_conntrack_ftp'],
      true,
      'with NAT, today’s kernel rewrites wherever it tracks; list ip_nat_ftp beside ip_conntrack_ftp',
    ],
    [['ip_masq_ftp'], false, 'ip_masq_ftp works on masqueraded connections; without NAT there are none'],
    [
      ['ip_conntrack_ftp', 'ip_nat_ftp', 'ip_masq_ftp'],
      true,
      'ip_masq_ftp belongs to Linux 2.2 and ip_conntrack_ftp to 2.4; list modules of one kernel',
    ],
    [
      ['ip_masq_ftp', 'ip_tables'],
      true,
      'ip_masq_ftp belongs to Linux 2.2 and ip_tables to 2.4; list modules of one kernel',
    ],
    [
      ['ip_masq_ftp', 'ip_masq_ftp ports=2121'],
      true,
      'ip_masq_ftp is loaded already, with ports=21; ports=2121 has no effect',
    ],
  ])('%j, NAT %j, cannot be had', (modules, nat, message) => {
    expect(() => helper(modules, nat)).toThrow(new Error(message));
  });

  test.each([
    [
      'ip_masq_ftp',
      'iptables',
      '2.2.14',
      'ip_masq_ftp is a module of Linux 2.2, kind: ipchains; iptables has ip_conntrack_ftp, ip_nat_ftp',
    ],
    ['ip_nat_ftp', 'ipchains', '2.2.14', 'ip_nat_ftp is a module of Linux 2.4; ipchains has ip_masq_ftp'],
    [
      'ip_masq_ftp in_ports=21',
      'ipchains',
      '2.2.14',
      'in_ports= came with Linux 2.2.19; add kernel: 2.2.19, or leave it out',
    ],
  ] as const)('%s is foreign to %s of %s', (module, kind, kernel, message) => {
    expect(() => {
      refuseForeignModules([parseModule(module)], { kind, kernel });
    }).toThrow(new Error(message));
  });
});
