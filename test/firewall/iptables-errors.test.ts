import { iptables } from '../../src/firewall/iptables/dialect';

const CONTEXT = {
  kind: 'iptables' as const,
  names: { inside_net: '10.0.0.0/24', server: '203.0.113.10' },
  firstRow: 1,
};

/** All problems of a text, as "line:column message". */
function problems(text: string, context: Parameters<typeof iptables.parse>[1] = CONTEXT): string[] {
  return iptables
    .parse(text, context)
    .problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

/** Three lines each: what, the text with ⏎ for its line ends, and its one problem. */
const REFUSED: Record<string, string> = {
  addresses: String.raw`
an octet above 255
  -A FORWARD -s 10.0.0.300 -j ACCEPT
  0:14 "10.0.0.300" is no IPv4 address; allowed: e.g. 10.0.0.1 or 10.0.0.0/24
the second of a list
  -A FORWARD -d 10.0.0.1,host -j ACCEPT
  0:23 "host" is no IPv4 address; allowed: e.g. 10.0.0.1 or 10.0.0.0/24
behind !
  -A FORWARD ! -s 10.0.0 -j ACCEPT
  0:16 "10.0.0" is no IPv4 address; allowed: e.g. 10.0.0.1 or 10.0.0.0/24
a mask too long
  -A FORWARD -s 10.0.0.0/33 -j ACCEPT
  0:14 "33" is no mask; allowed: 0 to 32, or e.g. 255.255.255.0
a mask with holes
  -A FORWARD -s 10.0.0.0/255.0.255.0 -j ACCEPT
  0:14 mask 255.0.255.0 has holes; allowed: ones, then zeros, e.g. 255.255.255.0
IPv6
  -A FORWARD -s fe80::1 -j ACCEPT
  0:14 "fe80::1" is IPv6; allowed: IPv4 addresses
! with a list
  -A FORWARD ! -s 10.0.0.1,10.0.0.2 -j ACCEPT
  0:16 "!" with a list; allowed: ! -s with one address or network
! behind its flag
  -A FORWARD -s ! 10.0.0.1 -j ACCEPT
  0:14 "!" stands before its flag; write ! -s
a range upside down
  -A FORWARD -m iprange --src-range 10.0.0.9-10.0.0.1 -j DROP
  0:34 address range 10.0.0.9-10.0.0.1 is upside down; did you mean 10.0.0.1-10.0.0.9?
IPv6 as NAT target
  -t nat -A PREROUTING -p tcp -j DNAT --to-destination [fe80::1]:21
  0:53 "[fe80::1]:21" is IPv6; allowed: IPv4 addresses
`,
  ports: String.raw`
port 0
  -A FORWARD -p tcp --dport 0 -j ACCEPT
  0:26 port 0 is out of range; allowed: a number from 1 to 65535, or a range such as 1025:65535
port 65536
  -A FORWARD -p tcp --sport 65536 -j DROP
  0:26 port 65536 is out of range; allowed: a number from 1 to 65535, or a range such as 1025:65535
a range upside down
  -A FORWARD -p tcp --dport 65535:1025 -j ACCEPT
  0:26 port range 65535:1025 is upside down; did you mean 1025:65535?
a range with a dash
  -A FORWARD -p tcp --dport 1025-65535 -j ACCEPT
  0:26 "1025-65535" is no port number; allowed: a number from 1 to 65535, or a range such as 1025:65535
a service name
  -A FORWARD -p tcp --dport ftp -j ACCEPT
  0:26 "ftp" is a service name; write its number, 21
a service name in a list
  -A FORWARD -p tcp -m multiport --dports 80,ftp-data -j ACCEPT
  0:43 "ftp-data" is a service name; write its number, 20
a service nobody knows
  -A FORWARD -p tcp --dport ftpx -j ACCEPT
  0:26 "ftpx" is no port number; allowed: a number from 1 to 65535, or a range such as 1025:65535
a list without multiport
  -A FORWARD -p tcp --dport 20,21 -j ACCEPT
  0:26 "20,21" is a list, and --dport takes one port or range; write -m multiport --dports 20,21
sixteen places
  -A FORWARD -p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16 -j DROP
  0:40 16 places in --dports, where a range takes two; allowed: up to 15
--dports without multiport
  -A FORWARD -p tcp --dports 20,21 -j ACCEPT
  0:18 "--dports" needs -m multiport before it
no protocol
  -A FORWARD --dport 21 -j ACCEPT
  0:11 "--dport" needs -p tcp or -p udp before it
protocol too late
  -A FORWARD --dport 21 -p tcp -j ACCEPT
  0:11 "--dport" needs -p tcp or -p udp before it
a protocol without ports
  -A FORWARD -p icmp --dport 21 -j ACCEPT
  0:19 "--dport" needs -p tcp or -p udp before it; found -p icmp
not tcp
  -A FORWARD ! -p tcp --dport 21 -j ACCEPT
  0:20 "--dport" needs -p tcp or -p udp before it; found ! -p tcp
multiport without protocol
  -A FORWARD -m multiport --dports 21 -j ACCEPT
  0:14 -m multiport needs -p tcp or -p udp
--syn with udp
  -A FORWARD -p udp --syn -j DROP
  0:18 "--syn" needs -p tcp before it; found -p udp
--syn without -p
  -A FORWARD --syn -j DROP
  0:11 "--syn" needs -p tcp before it
NAT ports with a colon
  -t nat -A POSTROUTING -p tcp -j MASQUERADE --to-ports 61000:65095
  0:54 "61000:65095" is no port number; allowed: a number from 1 to 65535, or a range such as 1025-65535
NAT to port 0
  -t nat -A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1:0
  0:62 port 0 is out of range; allowed: a number from 1 to 65535, or a range such as 1025-65535
NAT to a port of no protocol
  -t nat -A PREROUTING -j DNAT --to-destination 10.0.0.1:21
  0:46 a port after NAT needs -p tcp or -p udp
`,
  places: String.raw`
MASQUERADE in filter
  -A FORWARD -j MASQUERADE
  0:14 MASQUERADE stands in POSTROUTING of table nat; here it is FORWARD of table filter
MASQUERADE in INPUT
  -t nat -A INPUT -j MASQUERADE
  0:19 MASQUERADE stands in POSTROUTING of table nat; here it is INPUT of table nat
DNAT in POSTROUTING
  -t nat -A POSTROUTING -j DNAT --to-destination 10.0.0.1
  0:25 DNAT stands in PREROUTING, OUTPUT of table nat; here it is POSTROUTING of table nat
DROP in nat
  -t nat -A PREROUTING -j DROP
  0:24 DROP stands in table filter, mangle, raw; here it is PREROUTING of table nat
a chain of another table
  -t nat -A FORWARD -j ACCEPT
  0:10 table nat has no chain "FORWARD"; it has PREROUTING, INPUT, OUTPUT, POSTROUTING; FORWARD is in filter, mangle
a chain misspelt
  -A FROWARD -j ACCEPT
  0:3 table filter has no chain "FROWARD"; did you mean "FORWARD"?
a chain used before it is made
  -A mine -j ACCEPT⏎-N mine
  0:3 table filter has no chain "mine"; it has INPUT, FORWARD, OUTPUT; a chain of your own is made first, by -N
an unknown table
  iptables -t nta -A POSTROUTING -j MASQUERADE
  0:12 unknown table "nta"; allowed: filter, nat, mangle, raw
an interface it cannot have
  -A INPUT -o outside -j DROP
  0:12 -o has no meaning in INPUT; allowed there: -i
owner of a forwarded packet
  -A FORWARD -m owner --uid-owner 0 -j DROP
  0:14 -m owner stands in OUTPUT and POSTROUTING; here it is FORWARD of table filter
`,
  words: String.raw`
an unknown flag
  iptables -A FORWARD -p tcp --dprt 21 -j ACCEPT
  0:27 unknown flag "--dprt"; did you mean "--dport"?
an unknown short flag
  -A FORWARD -q -j DROP
  0:11 unknown flag "-q"; known: -s, -d, -p, -i, -o, -m, -j, -g, -f
a flag without a blank
  -A FORWARD -ptcp -j DROP
  0:11 "-ptcp" has no blank; write -p tcp
a flag of a module not named
  -A FORWARD --state NEW -j ACCEPT
  0:11 "--state" needs -m state before it
a state misspelt
  -A FORWARD -m state --state NEW,ESTABLISHD -j ACCEPT
  0:32 "ESTABLISHD" is nothing --state knows; allowed: INVALID, NEW, ESTABLISHED, RELATED, UNTRACKED
a state only conntrack has
  -A FORWARD -m state --state DNAT -j ACCEPT
  0:28 "DNAT" is nothing --state knows; allowed: INVALID, NEW, ESTABLISHED, RELATED, UNTRACKED
a ctstate
  -A FORWARD -m conntrack --ctstate RELATED,X -j ACCEPT
  0:42 "X" is nothing --ctstate knows; allowed: INVALID, NEW, ESTABLISHED, RELATED, UNTRACKED, SNAT, DNAT
a TCP flag
  -A FORWARD -p tcp --tcp-flags SYN,AKC SYN -j ACCEPT
  0:34 "AKC" is nothing --tcp-flags knows; allowed: SYN, ACK, FIN, RST, URG, PSH, ALL, NONE
a protocol
  -A FORWARD -p tpc --dport 21 -j DROP
  0:14 unknown protocol "tpc"; did you mean "tcp"? allowed: tcp, udp, icmp, all and the like, or a number from 0 to 255
a target misspelt
  -A FORWARD -j ACCPET
  0:14 unknown target "ACCPET"; did you mean "ACCEPT"?
a target in small letters
  -A FORWARD -j accept
  0:14 unknown target "accept"; did you mean "ACCEPT"?
an unknown target
  -N mine⏎-A FORWARD -j somewhere_else
  1:14 unknown target "somewhere_else"; allowed: ACCEPT, DROP, REJECT, RETURN, LOG and the like, or mine; a chain of your own is made first, by -N
a jump to a built-in chain
  -A FORWARD -j INPUT
  0:14 "INPUT" is built in; allowed: targets and chains made by -N
two targets
  -A FORWARD -j ACCEPT -j DROP
  0:24 -j stands twice; allowed: once in a rule
no value
  -A FORWARD -s -j ACCEPT
  0:11 -s needs a value; found "-j"
no value at the end
  -A FORWARD -p tcp -j
  0:18 -j needs a value
a stray word
  -A FORWARD word -j ACCEPT
  0:11 "word" belongs to no flag; a flag begins with "-"
an unknown name
  -A FORWARD -s $nowhere
  0:14 unknown name "$nowhere"; known: $inside_net, $server
a dash of a word processor
  -A FORWARD –p tcp
  0:11 "–" is not ASCII; did you mean - ?
a letter outside a comment
  -A FORWARD -i straße
  0:18 "ß" is not ASCII; only a quoted --comment may have such
an open quote
  -A FORWARD -m comment --comment "open
  0:32 the quote " is never closed
a line to be continued
  -A FORWARD -p tcp \
  0:18 "\" continues a line in a shell; write the rule on one line
a comment too long
  -A FORWARD -m comment --comment xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
  0:32 the comment is 256 bytes long; allowed: up to 255
`,
  commands: String.raw`
-L
  iptables -L -n
  0:9 "-L" lists, changes nothing; leave it out
-v
  -A FORWARD -v -j DROP
  0:11 "-v" is for listing and changes nothing; leave it out
-E
  -E a b
  0:0 "-E" renames a chain, which is not read here; give it its name with -N
an unknown command
  -p tcp -A FORWARD
  0:0 a line begins with its command; found "-p", allowed: -A, -I, -R, -D, -P, -F, -N, -X, -Z
another program
  modprobe ip_nat_ftp
  0:0 "modprobe" loads a module and is no rule; modules have a place of their own beside the rules
a place too far
  -I FORWARD 2 -j DROP
  0:11 FORWARD of table filter has no place 2; allowed: 1
-R of nothing
  -R FORWARD 1 -j DROP
  0:11 FORWARD of table filter has no place 1; it is empty
-D of nothing
  -A FORWARD -p udp -j DROP⏎-D FORWARD -p tcp -j DROP
  1:11 no rule above in FORWARD of table filter reads "-p tcp -j DROP"
a policy that is none
  -P FORWARD REJECT
  0:11 "REJECT" is no policy; allowed: ACCEPT, DROP; to reject what is left, write a last rule -j REJECT
a policy for an own chain
  -N mine⏎-P mine DROP
  1:3 "mine" is a chain of your own; policies are for INPUT, FORWARD, OUTPUT
a chain twice
  -N FORWARD
  0:3 table filter has a chain "FORWARD" already
a chain name too long
  -N xxxxxxxxxxxxxxxxxxxxxxxxxxxxx
  0:3 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx" has 29 characters; a chain's name has up to 28
-X of a chain in use
  -N mine⏎-A FORWARD -j mine⏎-X mine
  2:3 -X cannot remove "mine": a rule jumps to it
no chain
  iptables -A
  0:9 -A needs a chain
a word too many
  -F FORWARD now
  0:11 "now" is one word too many for -F
`,
  'ipchains spellings': String.raw`
DENY
  -A FORWARD -j DENY
  0:14 "DENY" is ipchains; in iptables write DROP
MASQ
  -A FORWARD -j MASQ
  0:14 "MASQ" is ipchains; in iptables write -t nat -A POSTROUTING -o outside -j MASQUERADE
input
  -A input -j DROP
  0:3 "input" is ipchains; in iptables write INPUT
-y
  -A FORWARD -p tcp -y -j DROP
  0:18 "-y" is ipchains; in iptables write --syn after -p tcp
ports behind an address
  -A FORWARD -p tcp -s 10.0.0.0/24 1024:65535 -j ACCEPT
  0:33 "1024:65535" belongs to no flag; ports are written --sport 1024:65535 or --dport 1024:65535
-M -S
  -M -S 7200 10 160
  0:0 "-M" is ipchains: iptables has no masquerading timeouts; connection tracking has its own
policy DENY
  -P FORWARD DENY
  0:11 "DENY" is no policy; that is ipchains, in iptables write DROP
ipchains itself
  ipchains -A forward -j MASQ
  0:0 "ipchains" rules load on kind: ipchains; here is kind: iptables
`,
  'iptables-save text': String.raw`
both writings in one text
  *filter⏎-A FORWARD -j DROP⏎COMMIT⏎iptables -A FORWARD -j DROP
  3:0 this is a command as typed, and line 1 is iptables-save text; allowed: one of the two throughout
a rule before the first table
  -A FORWARD -j DROP⏎*filter⏎COMMIT
  0:0 this stands outside of a table; one begins e.g. with *filter
no COMMIT
    *filter⏎-A FORWARD -j DROP
  0:2 *filter has no COMMIT; without it iptables-restore loads nothing of it
an unknown table
  *nta⏎COMMIT
  0:1 unknown table "nta"; allowed: filter, nat, mangle, raw
a table twice
  *filter⏎COMMIT⏎*filter⏎COMMIT
  2:0 *filter stands twice; iptables-restore would forget the first
a policy for a chain that is not built in
  *filter⏎:mine DROP [0:0]⏎COMMIT
  1:1 "mine" is not built into table filter; a policy is for INPUT, FORWARD, OUTPUT, and a chain of your own has "-"
a policy that is none
  *filter⏎:FORWARD DENY [0:0]⏎COMMIT
  1:9 "DENY" is no policy; that is ipchains, in iptables write DROP
`,
};

describe.each(Object.entries(REFUSED))('%s', (_, table) => {
  const lines = table.trim().split('\n');
  const cases = lines.flatMap((what, at) =>
    at % 3 === 0 ? [[what, lines[at + 1]?.slice(2) ?? '', lines[at + 2]?.slice(2) ?? '']] : [],
  );
  test.each(cases)('%s', (_what, text = '', problem) => {
    // One mistake is one problem: it sets off no others.
    expect(problems(text.replaceAll('⏎', '\n'))).toEqual([problem]);
  });
});

test('all that is wrong is said at once, in the order of the text', () => {
  const text = `# a comment
\t-A FORWARD -s 10.0.0.0/40 -p tcp --dport 0 -j ACCPET\r
-A forward -j DENY`;
  expect(problems(text).map((each) => each.split(' ')[0])).toEqual(['1:15', '1:42', '1:47', '2:3']);
});

test('on another kind of firewall: one problem, on the first line that says something', () => {
  const text = '# mine\n\n  -A FORWARD -j DROP\n-A FORWARD -j ACCPET';
  expect(problems(text, { ...CONTEXT, kind: 'nftables' })).toEqual([
    '2:2 these are iptables rules; they load on kind: iptables, and found is kind: nftables',
  ]);
});

test.each([
  ['flags of a module not in our table', '-A FORWARD -p tcp -m time --timestart 10:00 -j ACCEPT'],
  ['flags of a target not in our table', '-A FORWARD -p tcp -j TARPIT --honeypot'],
  ['flags of a protocol not in our table', '-A FORWARD -p sctp --dport 21 -j ACCEPT'],
  ['flags shortened, as getopt allows', '-A FORWARD --proto tcp --destination-p 21 --jump ACCEPT'],
  ['a value behind =', '-A FORWARD -p tcp --dport=21 -j ACCEPT'],
  ['open ranges', '-A FORWARD -p tcp --sport 1024: --dport :1023 -j ACCEPT'],
  ['numbers of protocols', '-A FORWARD -p 6 --syn -j ACCEPT'],
  ['TARPIT, CT and other known targets', '-t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp'],
  ['MASQUERADE in a chain of one’s own', '-t nat -N mine\n-t nat -A mine -j MASQUERADE'],
  ['non-ASCII and # in a comment', '-A FORWARD -m comment --comment "für „FTP“ # $5" -j DROP # ä'],
])('not refused: %s', (_, text) => {
  expect(problems(text)).toEqual([]);
});
