import fc from 'fast-check';
import { refusedRows } from '../../src/firewall/iptables/dialect';
import { load, rulesetOf, threeLines, VARIANTS, type Variant } from './load-iptables';
import { either, ruleWords } from './random-rule-words';

// What iptables refuses, as both its variants say it of rules the lab has loaded: the author's row and column, the
// tool's words, and what to write instead where that is certain. And what they take, so that the lab takes it too.

/**
 * What iptables refuses, in its own words and ours, with ‘ for its opening quote; behind ‖ those of
 * iptables-legacy where they differ.
 */
const REFUSED_BY_IPTABLES: Record<string, string> = {
  addresses: String.raw`
an octet above 255
  -A FORWARD -s 10.0.0.300 -j ACCEPT
  0:14 host/network ‘10.0.0.300' not found
the second of a list
  -A FORWARD -d 10.0.0.1,host -j ACCEPT
  0:23 host/network ‘host' not found
a mask too long
  -A FORWARD -s 10.0.0.0/33 -j ACCEPT
  0:23 invalid mask ‘33' specified
IPv6
  -A FORWARD -s fe80::1 -j ACCEPT
  0:14 host/network ‘fe80::1' not found
! with a list
  -A FORWARD ! -s 10.0.0.1,10.0.0.2 -j ACCEPT
  0:11 ! not allowed with multiple source or destination IP addresses
! behind its flag
  -A FORWARD -s ! 10.0.0.1 -j ACCEPT
  0:16 Bad argument ‘10.0.0.1'; "!" stands before its flag
IPv6 as NAT target
  -t nat -A PREROUTING -p tcp -j DNAT --to-destination [fe80::1]:21
  0:53 Invalid address format
a host nobody knows
  -A FORWARD -s some.host.name -j ACCEPT
  0:14 host/network ‘some.host.name' not found
a word found elsewhere too
  -A FORWARD -p tcp --sport 3300 -s 10.0.0.0/33 -j DROP
  0:43 invalid mask ‘33' specified
a host of a match
  -A FORWARD -m conntrack --ctorigsrc host -j ACCEPT
  0:36 getaddrinfo: Temporary failure in name resolution
`,
  ports: String.raw`
port 65536
  -A FORWARD -p tcp --sport 65536 -j DROP
  0:26 invalid port/service ‘65536' specified
a range upside down
  -A FORWARD -p tcp --dport 65535:1025 -j ACCEPT
  0:26 invalid portrange (min > max)
a range with a dash
  -A FORWARD -p tcp --dport 1025-65535 -j ACCEPT
  0:26 invalid port/service ‘1025-65535' specified; a range is written 1025:65535
a service nobody knows
  -A FORWARD -p tcp --dport ftpx -j ACCEPT
  0:26 invalid port/service ‘ftpx' specified
a list without multiport
  -A FORWARD -p tcp --dport 20,21 -j ACCEPT
  0:26 invalid port/service ‘20,21' specified; a list needs -m multiport and --sports or --dports
sixteen places
  -A FORWARD -p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16 -j DROP
  0:40 too many ports specified
--dports without multiport
  -A FORWARD -p tcp --dports 20,21 -j ACCEPT
  0:18 unknown option "--dports"; it needs -m multiport before it
no protocol
  -A FORWARD --dport 21 -j ACCEPT
  0:11 unknown option "--dport"; it needs -p tcp or -p udp before it
protocol too late
  -A FORWARD --dport 21 -p tcp -j ACCEPT
  0:11 unknown option "--dport"; it needs -p tcp or -p udp before it
a protocol without ports
  -A FORWARD -p icmp --dport 21 -j ACCEPT
  0:19 unknown option "--dport"; it needs -p tcp or -p udp before it
multiport without protocol
  -A FORWARD -m multiport --dports 21 -j ACCEPT
  0:14 multiport needs ‘-p tcp', ‘-p udp', ‘-p udplite', ‘-p sctp' or ‘-p dccp'
--syn with udp
  -A FORWARD -p udp --syn -j DROP
  0:18 unknown option "--syn"; it needs -p tcp before it
--syn without -p
  -A FORWARD --syn -j DROP
  0:11 unknown option "--syn"; it needs -p tcp before it
NAT ports with a colon
  -t nat -A POSTROUTING -p tcp -j MASQUERADE --to-ports 61000:65095
  0:54 Invalid port:port syntax - use dash
NAT to a port of no protocol
  -t nat -A PREROUTING -j DNAT --to-destination 10.0.0.1:21
  0:46 Need TCP, UDP, SCTP or DCCP with port specification
a port behind =
  -A FORWARD -p tcp --dport=99999 -j ACCEPT
  0:26 invalid port/service ‘99999' specified
`,
  places: String.raw`
MASQUERADE in filter
  -A FORWARD -j MASQUERADE
  0:14 the kernel refuses it: Invalid argument; MASQUERADE stands in POSTROUTING of table nat; here it is FORWARD of table filter ‖ no reason given; MASQUERADE stands in POSTROUTING of table nat; here it is FORWARD of table filter
MASQUERADE in INPUT
  -t nat -A INPUT -j MASQUERADE
  0:19 the kernel refuses it: Invalid argument; MASQUERADE stands in POSTROUTING of table nat; here it is INPUT of table nat ‖ no reason given; MASQUERADE stands in POSTROUTING of table nat; here it is INPUT of table nat
DNAT in POSTROUTING
  -t nat -A POSTROUTING -j DNAT --to-destination 10.0.0.1
  0:25 the kernel refuses it: Invalid argument; DNAT stands in PREROUTING and OUTPUT of table nat; here it is POSTROUTING of table nat ‖ no reason given; DNAT stands in PREROUTING and OUTPUT of table nat; here it is POSTROUTING of table nat
DROP in nat
  -t nat -A PREROUTING -j DROP
  0:24 The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.
an interface it cannot have
  -A INPUT -o outside -j DROP
  0:9 Can't use -o with INPUT
owner of a forwarded packet
  -A FORWARD -m owner --uid-owner 0 -j DROP
  0:14 the kernel refuses it: Invalid argument; -m owner stands in OUTPUT and POSTROUTING; here it is FORWARD ‖ no reason given; -m owner stands in OUTPUT and POSTROUTING; here it is FORWARD
an input of what leaves
  -A OUTPUT -i outside -j DROP
  0:10 Can't use -i with OUTPUT
CT in filter
  -A FORWARD -p tcp -j CT --helper ftp
  0:21 the kernel refuses it: Invalid argument; CT stands in table raw; here it is FORWARD of table filter ‖ no reason given; CT stands in table raw; here it is FORWARD of table filter
TTL in filter
  -A FORWARD -j TTL --ttl-set 64
  0:14 the kernel refuses it: Invalid argument; TTL stands in table mangle; here it is FORWARD of table filter ‖ no reason given; TTL stands in table mangle; here it is FORWARD of table filter
REJECT in mangle
  -t mangle -A FORWARD -j REJECT
  0:24 the kernel refuses it: Invalid argument; REJECT stands in table filter; here it is FORWARD of table mangle ‖ no reason given; REJECT stands in table filter; here it is FORWARD of table mangle
`,
  words: String.raw`
an unknown flag
  iptables -A FORWARD -p tcp --dprt 21 -j ACCEPT
  0:27 unknown option "--dprt"; did you mean --dport?
an unknown short flag
  -A FORWARD -q -j DROP
  0:11 unknown option "-q"
a flag without a blank
  -A FORWARD -ptcp -j DROP
  0:11 unknown protocol "-ptcp" specified; write -p tcp
a flag of a module not named
  -A FORWARD --state NEW -j ACCEPT
  0:11 unknown option "--state"; it needs -m state before it
a state misspelt
  -A FORWARD -m state --state NEW,ESTABLISHD -j ACCEPT
  0:32 Bad state "ESTABLISHD"
a state only conntrack has
  -A FORWARD -m state --state DNAT -j ACCEPT
  0:28 Bad state "DNAT"
a ctstate
  -A FORWARD -m conntrack --ctstate RELATED,X -j ACCEPT
  0:42 Bad ctstate "X"
a TCP flag
  -A FORWARD -p tcp --tcp-flags SYN,AKC SYN -j ACCEPT
  0:34 Unknown TCP flag ‘AKC'
a protocol
  -A FORWARD -p tpc --dport 21 -j DROP
  0:14 unknown protocol "tpc" specified; did you mean tcp?
a target misspelt
  -A FORWARD -j ACCPET
  0:14 Chain 'ACCPET' does not exist; did you mean ACCEPT? ‖ Couldn't load target ‘ACCPET':No such file or directory; did you mean ACCEPT?
a target in small letters
  -A FORWARD -j accept
  0:14 Chain 'accept' does not exist; did you mean ACCEPT? ‖ Couldn't load target ‘accept':No such file or directory; did you mean ACCEPT?
an unknown target
  -N mine⏎-A FORWARD -j somewhere_else
  1:14 Chain 'somewhere_else' does not exist ‖ Couldn't load target ‘somewhere_else':No such file or directory
a jump to a built-in chain
  -A FORWARD -j INPUT
  0:14 the kernel refuses it: Operation not supported; INPUT is built in; a rule goes to chains made by -N ‖ no reason given; INPUT is built in; a rule goes to chains made by -N
two targets
  -A FORWARD -j ACCEPT -j DROP
  0:11 multiple -j flags not allowed
no value
  -A FORWARD -s -j ACCEPT
  0:17 Bad argument ‘ACCEPT'
no value at the end
  -A FORWARD -p tcp -j
  0:18 option "-j" requires an argument
a stray word
  -A FORWARD word -j ACCEPT
  0:11 Bad argument ‘word'
a glued jump
  -A FORWARD -jDROP
  0:11 Chain '-jDROP' does not exist; write -j DROP ‖ Couldn't load target ‘-jDROP':No such file or directory; write -j DROP
a value behind = of a core flag
  -A FORWARD --jump=DROP
  0:11 Chain '--jump=DROP' does not exist; write --jump DROP ‖ Couldn't load target ‘--jump=DROP':No such file or directory; write --jump DROP
an interface name too long
  -A FORWARD -i averylonginterfacename -j DROP
  0:14 interface name ‘averylonginterfacename' must be shorter than IFNAMSIZ (15)
a match nobody has
  -A FORWARD -p tcp -m nosuch --foo 1 -j ACCEPT
  0:21 Couldn't load match ‘nosuch':No such file or directory
an own chain misspelt
  -N office⏎-A FORWARD -j ofice
  1:14 Chain 'ofice' does not exist; did you mean office? ‖ Couldn't load target ‘ofice':No such file or directory; did you mean office?
a goto nowhere
  -A FORWARD -g nowhere
  0:14 Chain 'nowhere' does not exist ‖ goto 'nowhere' is not a chain
! before nothing
  -A FORWARD !
  0:11 nothing appropriate following !
! before a jump
  -A FORWARD -p tcp ! -j DROP
  0:20 cannot have ! before -j
a protocol number
  -A FORWARD -p 300 -j DROP
  0:14 unknown protocol "300" specified
a rate
  -A FORWARD -m limit --limit 0/s -j ACCEPT
  0:28 bad rate "0/s"'
a reject type
  -A FORWARD -j REJECT --reject-with foo
  0:35 unknown reject type "foo"
an ICMP type
  -A FORWARD -p icmp --icmp-type foo -j DROP
  0:31 Unknown ICMP type ‘foo'
a log level
  -A FORWARD -j LOG --log-level foo
  0:30 log level "foo" unknown
an option that must be there
  -A FORWARD -m string --string x -j DROP
  0:0 string: option "--algo" must be specified
a value out of range
  -A FORWARD -m ttl --ttl-eq 300 -j DROP
  0:18 ttl: bad value for option "--ttl-eq", or out of range (0-255).
a set nobody made
  -A FORWARD -m set --match-set ftp src -j DROP
  0:30 Set ftp doesn't exist.
a MAC address
  -A FORWARD -m mac --mac-source zz -j DROP
  0:31 Invalid MAC address specified.
a second rule
  -A FORWARD -p tcp -s 10.0.0.0/24 -A FORWARD
  0:0 Cannot use -A with -A
`,
  'columns of the author’s': String.raw`
behind a name of the lab’s
  -A FORWARD -s $server -p tcp --dport 99999 -j DROP
  0:37 invalid port/service ‘99999' specified
behind a quote that is written otherwise
  -A FORWARD -m comment --comment 'say "hello"' -p tpc
  0:49 unknown protocol "tpc" specified; did you mean tcp?
behind what the program is told
  iptables -A PREROUTING -t nat -w 5 -p tcp -j SNAT --to-source 10.0.0.1
  0:45 the kernel refuses it: Invalid argument; SNAT stands in POSTROUTING and INPUT of table nat; here it is PREROUTING of table nat ‖ no reason given; SNAT stands in POSTROUTING and INPUT of table nat; here it is PREROUTING of table nat
`,
  'ipchains spellings': String.raw`
ports behind an address
  -A FORWARD -p tcp -s 10.0.0.0/24 1024:65535 -j ACCEPT
  0:33 Bad argument ‘1024:65535'; ports are written --sport 1024:65535 or --dport 1024:65535
`,
};

/** What a variant says of a text, as "line:column message". */
function refusals(variant: Variant, text: string): string[] {
  const { parsed, ruleset } = rulesetOf(text);
  const { code, stderr } = load(variant, ruleset.text);
  expect(code).not.toBe(0);
  return refusedRows(stderr, ruleset).map(({ row, column, message }) => {
    const at = parsed.rows[row - 1];
    return `${at?.line ?? ''}:${(at?.column ?? 0) + column} ${message.replaceAll('`', '‘')}`;
  });
}

describe.each(Object.entries(REFUSED_BY_IPTABLES))('iptables on %s', (_, table) => {
  test.each(threeLines(table))('%s', (_what, text, problem) => {
    const [nft = '', other] = problem.split(' ‖ ');
    const [place = ''] = nft.split(' ');
    const legacy = other === undefined ? nft : `${place} ${other}`;
    expect(VARIANTS.map((variant) => refusals(variant, text))).toEqual([[nft], [legacy]]);
  });
});

describe.each(VARIANTS)('%s, of many rows', (variant) => {
  const rows = Array.from({ length: 250 }, (_, at) => `-A FORWARD -p tcp --dport ${at + 1} -j ACCEPT`);

  test.each([
    ['a target that does not exist', 'iptables -A FORWARD -p udp -j ACEPT', 30, 'did you mean ACCEPT?'],
    ['a port', 'iptables -A FORWARD -p tcp --dport 99999', 35, "invalid port/service `99999' specified"],
    ['a place', 'iptables -A FORWARD -p udp -j SNAT --to-source 10.0.0.1', 30, 'SNAT stands in POSTROUTING'],
  ])('%s is found in the block it is in', (_, wrong, column, message) => {
    const at = 170;
    const found = refusals(variant, rows.with(at, wrong).join('\n'));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^${at}:${column} `));
    expect(found[0]).toContain(message.replaceAll('`', '‘'));
  });

  test('what is said of another row before is not part of the message', () => {
    const text = '-A FORWARD -m iprange --src-range 10.0.0.9-10.0.0.1 -j DROP\n-A FORWARD -p tpc';
    expect(refusals(variant, text)).toEqual(['1:14 unknown protocol "tpc" specified; did you mean tcp?']);
  });
});

test.each([
  ['flags shortened, as getopt allows', '-A FORWARD --proto tcp --destination-p 21 --jum ACCEPT'],
  ['a value behind =', '-A FORWARD -p tcp --dport=21 -j ACCEPT'],
  ['open ranges', '-A FORWARD -p tcp --sport 1024: --dport :1023 -j ACCEPT'],
  ['numbers of protocols', '-A FORWARD -p 6 --syn -j ACCEPT'],
  ['port 0', '-A FORWARD -p tcp --dport 0 -j ACCEPT'],
  ['a service name', '-A FORWARD -p tcp --dport ftp -j ACCEPT'],
  ['a service name in a list', '-A FORWARD -p tcp -m multiport --dports 80,ftp-data -j ACCEPT'],
  ['three octets of an address', '-A FORWARD ! -s 10.0.0 -j ACCEPT'],
  ['a mask with holes', '-A FORWARD -s 10.0.0.0/255.0.255.0 -j ACCEPT'],
  ['a range of addresses upside down', '-A FORWARD -m iprange --src-range 10.0.0.9-10.0.0.1 -j DROP'],
  ['NAT to port 0', '-t nat -A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1:0'],
  ['a long comment', `-A FORWARD -m comment --comment ${'x'.repeat(256)}`],
  ['CT', '-t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp'],
  ['MASQUERADE in a chain of one’s own', '-t nat -N mine\n-t nat -A mine -j MASQUERADE'],
  ['SNAT in INPUT', '-t nat -A INPUT -j SNAT --to-source 10.0.0.1'],
  ['non-ASCII and # in a comment', '-A FORWARD -m comment --comment "für „FTP“ # $5" -j DROP # ä'],
  ['what only the program is told', 'iptables -w 5 -4 -v -A FORWARD -c 5 6 -W 9 -j DROP'],
  ['ipchains’ words as values', '-A FORWARD -m comment --comment -y -j LOG --log-prefix "-l"'],
  ['ipchains’ words as chains', '-N DENY\n-A FORWARD -j DENY'],
  ['words of the program as values', '-A FORWARD -m string --algo bm --string -h -j LOG --log-prefix -V'],
])('loaded by both variants: %s', (_, text) => {
  const { ruleset } = rulesetOf(text);
  for (const variant of VARIANTS) {
    const { code, saved } = load(variant, ruleset.text);
    expect(code).toBe(0);
    expect(saved).toContain('--comment "row 1"');
  }
});

/** A sensible rule in which an option or the target is misspelt. */
const MISSPELT = ruleWords.chain((rule) => {
  const said = rule.replace(/-m comment --comment "(?:[^"\\]|\\.)*"/, '').split(' ');
  const places = said.flatMap((word, at) => (/^--?[a-z]/.test(word) || said[at - 1] === '-j' ? [at] : []));
  return places.length === 0
    ? fc.constant(null)
    : fc.constantFrom(...places).map((at) => ({ words: said.with(at, `${said[at] ?? ''}zq`), at }));
});

test('any rule with a misspelt word is refused there, or where the word behind it is missed', () => {
  fc.assert(
    fc.property(MISSPELT, either(...VARIANTS), (misspelt, variant) => {
      fc.pre(misspelt !== null);
      const { words, at } = misspelt;
      const columnOf = (end: number): number => ['-A FORWARD', ...words.slice(0, end), ''].join(' ').length;
      const { ruleset } = rulesetOf(
        ['-N mine', '-A FORWARD -p tcp', `-A FORWARD ${words.join(' ')}`].join('\n'),
      );
      const { code, stderr } = load(variant, ruleset.text);
      expect(code).not.toBe(0);
      const refused = refusedRows(stderr, ruleset);
      expect(refused.map(({ row }) => row)).toEqual([2]);
      expect(refused[0]?.column).toBeGreaterThanOrEqual(columnOf(at));
      expect(refused[0]?.column).toBeLessThanOrEqual(columnOf(at + 1));
    }),
    { numRuns: 60 },
  );
});
