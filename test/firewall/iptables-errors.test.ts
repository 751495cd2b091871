import { iptables } from '../../src/firewall/iptables/dialect';
import { CONTEXT, threeLines } from './load-iptables';

/** All problems of a text, as "line:column message". */
function problems(text: string, context: Parameters<typeof iptables.parse>[1] = CONTEXT): string[] {
  return iptables
    .parse(text, context)
    .problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

/** What the lab itself refuses. Three lines each: what, the text with ⏎ for its line ends, and its one problem. */
const REFUSED: Record<string, string> = {
  places: String.raw`
a chain of another table
  -t nat -A FORWARD -j ACCEPT
  0:10 table nat has no chain "FORWARD"; it has PREROUTING, INPUT, OUTPUT, POSTROUTING; FORWARD is in mangle, filter, security
a chain misspelt
  -A FROWARD -j ACCEPT
  0:3 table filter has no chain "FROWARD"; did you mean "FORWARD"?
a chain used before it is made
  -A mine -j ACCEPT⏎-N mine
  0:3 table filter has no chain "mine"; it has INPUT, FORWARD, OUTPUT; a chain of your own is made first, by -N
an unknown table
  iptables -t nta -A POSTROUTING -j MASQUERADE
  0:12 unknown table "nta"; allowed: raw, mangle, nat, filter, security
`,
  words: String.raw`
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
`,
  'what would load nothing': String.raw`
help
  iptables -A FORWARD -p tcp -h
  0:27 "-h" tells of iptables and loads nothing; leave it out
help, shortened and in quotes
  -A FORWARD "--hel" -j DROP
  0:11 "--hel" tells of iptables and loads nothing; leave it out
the version, behind another flag
  -A FORWARD --syn -fV -j DROP
  0:17 "-fV" tells of iptables and loads nothing; leave it out
IPv6
  -A FORWARD -f6 -j DROP
  0:11 "-f6" is IPv6; allowed: IPv4
a program to be run
  -A FORWARD --modprobe=/bin/true -m state --state NEW
  0:11 "--modprobe=/bin/true" names a program that loads modules; leave it out
`,
  commands: String.raw`
-L
  iptables -L -n
  0:9 "-L" lists, changes nothing; leave it out
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
  0:1 unknown table "nta"; allowed: raw, mangle, nat, filter, security
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
  test.each(threeLines(table))('%s', (_what, text, problem) => {
    // One mistake is one problem: it sets off no others.
    expect(problems(text)).toEqual([problem]);
  });
});

test('all that is wrong is said at once, in the order of the text', () => {
  const text = `# a comment
\t-A FORWARD -p tcp -y -l -j DENY\r
-A forward -j DROP`;
  expect(problems(text).map((each) => each.split(' ')[0])).toEqual(['1:19', '1:22', '1:28', '2:3']);
});

test('on another kind of firewall: one problem, on the first line that says something', () => {
  const text = '# mine\n\n  -A FORWARD -j DROP\n-A FORWARD -j ACCPET';
  expect(problems(text, { ...CONTEXT, kind: 'nftables' })).toEqual([
    '2:2 these are iptables rules; they load on kind: iptables, and found is kind: nftables',
  ]);
});
