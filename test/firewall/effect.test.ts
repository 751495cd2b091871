import { spawnSync } from 'node:child_process';
import { ANY, effectOf, type Effect } from '../../src/firewall/effect';
import { loadedByIptables } from '../../src/firewall/iptables/loaded';
import { listed as read, standings, type NftListing } from '../../src/firewall/nftables/listing';
import { load, NAMESPACES, rulesetOf } from './load-iptables';

// What a rule does, as the tools themselves list it: a rule in one language does what it does in the other.

/** A rule of iptables behind its chain, the same for nft, and what is not as of a rule that asks nothing. */
const RULES: readonly (readonly [string, string, Partial<Effect>])[] = [
  ['-j DROP', 'drop', { verdict: 'drop', always: true }],
  ['-m comment --comment "drop all" -j DROP', 'drop comment "drop all"', { verdict: 'drop', always: true }],
  ['-j REJECT', 'reject', { verdict: 'reject', always: true }],
  ['-j LOG', 'log', { verdict: 'none', always: true }],
  ['-p tcp -j ACCEPT', 'meta l4proto tcp accept', { verdict: 'accept', protocols: ['tcp'] }],
  [
    '-m state --state ESTABLISHED,RELATED -j ACCEPT',
    'ct state established,related accept',
    { verdict: 'accept', states: ['related', 'established'] },
  ],
  [
    '-i inside -o outside -j ACCEPT',
    'iifname "inside" oifname "outside" accept',
    {
      verdict: 'accept',
      conditions: [
        { on: 'in', any: ['inside'] },
        { on: 'out', any: ['outside'] },
      ],
    },
  ],
  [
    '-s 10.0.0.0/24 -d 203.0.113.20 -j DROP',
    'ip saddr 10.0.0.0/24 ip daddr 203.0.113.20 drop',
    {
      verdict: 'drop',
      conditions: [
        { on: 'source', any: ['10.0.0.0/24'] },
        { on: 'destination', any: ['203.0.113.20'] },
      ],
    },
  ],
  [
    '-s 10.0.0.1,10.0.0.2 -j DROP',
    'ip saddr { 10.0.0.1, 10.0.0.2 } drop',
    { verdict: 'drop', conditions: [{ on: 'source', any: ['10.0.0.1', '10.0.0.2'] }] },
  ],
  [
    '-p tcp -m multiport --dports 20:21,2121 -j ACCEPT',
    'tcp dport { 20-21, 2121 } accept',
    {
      verdict: 'accept',
      protocols: ['tcp'],
      destinationPorts: [
        [20, 21],
        [2121, 2121],
      ],
    },
  ],
  [
    '-p tcp --sport ftp-data --dport 1024: -j ACCEPT',
    'tcp sport ftp-data tcp dport 1024-65535 accept',
    { verdict: 'accept', protocols: ['tcp'], sourcePorts: [[20, 20]], destinationPorts: [[1024, 65535]] },
  ],
  [
    '! -i inside -p tcp ! --dport 21 -j DROP',
    'iifname != "inside" tcp dport != 21 drop',
    { verdict: 'drop', protocols: ['tcp'], understood: false },
  ],
  [
    '-m state --state NEW -m limit --limit 1/second -j ACCEPT',
    'ct state new limit rate 1/second accept',
    { verdict: 'accept', states: ['new'], limited: true },
  ],
  [
    '-m helper --helper ftp -j ACCEPT',
    'ct helper "ftp" accept',
    { verdict: 'accept', helper: 'ftp', understood: false },
  ],
  ['-m mark --mark 1 -j ACCEPT', 'meta mark 1 accept', { verdict: 'accept', understood: false }],
];

/** What a row is for, of all that the lab makes of a listing. */
function expected(said: Partial<Effect>): Effect {
  return { ...ANY, verdict: 'none', always: false, ...said };
}

/** Sets have an order of the kernel's own. */
function ordered(effect: Effect | undefined): Effect | undefined {
  return (
    effect && {
      ...effect,
      states: effect.states && [...effect.states].sort(),
      conditions: effect.conditions.map(({ on, any }) => ({ on, any: [...any].sort() })),
    }
  );
}

const rules = RULES.map(([iptables]) => `iptables -A FORWARD ${iptables}`).join('\n');
const byIptables = loadedByIptables(load('iptables-nft', rulesetOf(rules).ruleset.text).saved);

function listed(text: string): NftListing {
  const [program, ...args] = [...NAMESPACES, 'sh', '-c', 'cat | nft -f - && nft -j -a list ruleset'];
  const { stdout, stderr } = spawnSync(program, args, { input: text, encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return read(stdout);
}

function byNft(text: string) {
  const listing = listed(text);
  const rows = new Map(listing.rules.map((rule, index) => [rule, index + 1]));
  return listing.loaded(standings(listing, (rule) => rows.get(rule) ?? null));
}

const table = (lines: readonly string[], chain = 'type filter hook forward priority 0'): string =>
  `table ip t {\n ct helper mine {\n  type "ftp" protocol tcp\n }\n chain f {\n  ${chain}\n${lines.map((line) => `  ${line}\n`).join('')} }\n}\n`;
const ofNft = byNft(table(RULES.map(([, nft]) => nft)));

test.each(RULES.map(([iptables, nft, said], index) => [iptables, nft, said, index + 1] as const))(
  '%s · %s',
  (_iptables, _nft, said, row) => {
    const [one, other] = [byIptables, ofNft].map((loaded) => loaded.rules.find((rule) => rule.row === row));
    expect(ordered(one?.does)).toEqual(ordered(expected(said)));
    expect(ordered(other?.does)).toEqual(ordered(expected(said)));
    expect([one?.chain, one?.hook, one?.priority]).toEqual(['filter FORWARD', 'forward', null]);
    expect([other?.chain, other?.hook, other?.priority]).toEqual(['ip t f', 'forward', 0]);
  },
);

describe('the helper', () => {
  test('attached by iptables', () => {
    const text = 'iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp';
    const { rules: found, helpers } = loadedByIptables(
      load('iptables-nft', rulesetOf(text).ruleset.text).saved,
    );
    expect(found).toMatchObject([
      { chain: 'raw PREROUTING', does: { verdict: 'none', attaches: 'ftp', destinationPorts: [[21, 21]] } },
    ]);
    expect(helpers).toEqual(['ftp']);
  });

  test('attached by nft, through an object of any name', () => {
    const chain = 'type filter hook prerouting priority -150';
    const { rules: found, helpers } = byNft(table(['tcp dport 21 ct helper set "mine"'], chain));
    expect(found).toMatchObject([{ hook: 'prerouting', priority: -150, does: { attaches: 'ftp' } }]);
    expect(helpers).toEqual(['ftp']);
  });

  test('asked for, and not attached: no helper is there', () => {
    expect(byIptables.helpers).toEqual([]);
    expect(byIptables.rules.some(({ does }) => does.attaches !== null)).toBe(false);
  });
});

test.each([
  [
    'ct state vmap { established : accept, related : accept, invalid : drop }',
    'accept',
    ['related', 'established'],
  ],
  ['tcp dport vmap { 20 : drop, 21 : accept }', 'map', null],
  ['jump { tcp dport 21 accept; }', 'none', null],
  ['ip saddr @s accept', 'accept', null],
])('what is not a rule of one sort: %s', (rule, verdict, states) => {
  const text = table([rule]).replace(' chain f', ' set s {\n  type ipv4_addr\n }\n chain f');
  const does = byNft(text).rules.find(({ chain }) => chain === 'ip t f')?.does;
  expect(does).toMatchObject({ verdict, always: false, understood: false });
  expect(does?.states === null ? null : [...(does?.states ?? [])].sort()).toEqual(
    states === null ? null : [...states].sort(),
  );
});

test.each([
  ['DNAT', 'dnat to 10.0.0.20', 'dnat'],
  ['REDIRECT', 'redirect to :2121', 'redirect'],
])('%s', (_, nft, verdict) => {
  const { rules: found } = byNft(table([`tcp dport 21 ${nft}`], 'type nat hook prerouting priority -100'));
  expect(found).toMatchObject([{ hook: 'prerouting', does: { verdict, destinationPorts: [[21, 21]] } }]);
});

test.each<readonly [string, Partial<Effect>]>([
  [
    '-i outside -p tcp -s 0/0 20 -d $client 1024:65535 -j ACCEPT',
    {
      verdict: 'accept',
      protocols: ['tcp'],
      sourcePorts: [[20, 20]],
      destinationPorts: [[1024, 65535]],
      conditions: [
        { on: 'in', any: ['outside'] },
        { on: 'source', any: ['0/0'] },
      ],
    },
  ],
  ['-j DENY', { verdict: 'drop', always: true }],
  ['-s ! 10.0.0.0/24 -j REJECT', { verdict: 'reject', understood: false }],
  ['-j other', { verdict: 'jump', always: true }],
])('as typed for ipchains: %s', (typed, said) => {
  expect(effectOf(typed.split(' '))).toEqual(expected(said));
});
