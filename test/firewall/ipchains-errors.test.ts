import { parseIpchains } from '../../src/firewall/ipchains/dialect';

const NAMES = { inside_net: '10.0.0.0/24', client: '10.0.0.10' };
const PORTS = 'allowed: a number from 1 to 65535, or a range such as 1025:65535';
const TARGETS = 'known: ACCEPT, DENY, REJECT, MASQ, REDIRECT, RETURN';
const ICMP = 'allowed: 0 to 255, a range such as 8:10, or a name such as echo-request';
const MARK = 'allowed: 0 to 4294967295, with "+" or "-" to change the present one';
const TIMEOUT = 'allowed: 0 to 21474836 seconds, where 0 keeps the present value';
const IPTABLES = 'is not in ipchains, it came with iptables;';

function problemsOf(text: string): string[] {
  return parseIpchains(text, { names: NAMES }).problems.map(
    ({ line, column, message }) => `${line}:${column} ${message}`,
  );
}

// [what, text, "line:column message", …]; both from 0
test.each<[what: string, text: string, ...problems: string[]]>([
  // words
  [
    'non-ASCII',
    '-F\n-A input –p tcp',
    '1:9 "–" (U+2013) stands in no command; allowed: plain ASCII; did you mean "-"?',
  ],
  [
    'a no-break space',
    '-A input\u00a0-j DENY',
    '0:8 "\u00a0" (U+00A0) stands in no command; allowed: plain ASCII',
  ],
  ['an unclosed quote', '-A input -j "DENY', '0:12 this " is not closed'],
  ['the other quote', `-A "input" -j DENY'`, "0:18 this ' is not closed"],
  ['tabs count as one column', '\t-A\tinput\t-j\tX', '0:13 unknown target "X"; ' + TARGETS],
  ['CRLF', '-F\r\n-A input -j X\r\n', '1:12 unknown target "X"; ' + TARGETS],
  ['a comment after it', '-A input -j X # DENY', '0:12 unknown target "X"; ' + TARGETS],
  [
    'a comment without a blank',
    '-A input -j DENY#',
    '0:12 unknown target "DENY#"; did you mean DENY? ' + TARGETS,
  ],
  ['an unknown name', '-A input -s $nobody', '0:12 unknown name $nobody; known: $inside_net, $client'],
  [
    'a line continued',
    '-A input \\',
    '0:9 "\\" belongs to no flag; one command a line, its flags begin with "-"',
  ],

  // programs
  [
    'another program',
    'echo 1',
    '0:0 "echo" is no ipchains command; allowed: ipchains, or nothing before the first flag',
  ],
  [
    'iptables',
    '/sbin/iptables -F',
    '0:0 "/sbin/iptables" is no ipchains command; this firewall is told in ipchains; iptables commands belong to kind: iptables',
  ],
  ['modprobe', 'modprobe ip_masq_ftp', '0:0 "modprobe" is no ipchains command; modules stand under modules:'],
  [
    'ipmasqadm',
    'ipmasqadm portfw -f',
    '0:0 "ipmasqadm" is no ipchains command; port forwarding stands under forward:',
  ],

  // flags
  ['an unknown flag', '-A input --jmup DENY', '0:9 unknown flag --jmup; did you mean --jump?'],
  ['an unknown letter', '-A input -a DENY', '0:9 unknown flag -a; did you mean -A?'],
  ['a letter like no other', '-A input -q', '0:9 unknown flag -q'],
  ['one among others', '-A input -lqv', '0:11 unknown flag -q'],
  ['a flag like no other', '-A input --wavelength 3', '0:9 unknown flag --wavelength'],
  ['too short a flag', '--del input', '0:0 --del may be --delete or --delete-chain; write it out'],
  ['a missing value', '-A input -s -j DENY', '0:9 -s needs a value; found -j'],
  ['a missing value at the end', '-A input -j', '0:9 -j needs a value'],
  ['a value too many', '-A input --log=1', '0:15 --log takes no value; found "1"'],
  [
    'a word too many',
    '-A input 1 -j DENY',
    '0:9 "1" belongs to no flag; one command a line, its flags begin with "-"',
  ],
  ['a flag twice', '-A input -l -l', '0:12 second -l; allowed: once a command'],
  ['two targets', '-A input -j DENY -j ACCEPT', '0:17 second -j; a rule has one target'],
  [
    'ports twice',
    '-A input -p tcp -s 0/0 1 --sport 2',
    '0:25 second ports of the source; the first stand after -s',
  ],
  ['! before a command', '! -A input', '0:2 "!" does not go with -A'],
  ['! before a target', '-A input -j ! DENY', '0:9 "!" does not go with -j'],
  ['! twice', '-A input -p tcp ! ! -y', '0:18 one "!" is enough'],
  ['! on both sides', '-A input ! -s ! 10.0.0.1', '0:9 one "!" is enough'],
  ['! at the end', '-A input -j DENY !', '0:17 "!" stands before what it turns round; nothing follows it'],
  ['! without a blank', '-A input -s !10.0.0.1', '0:12 "!10.0.0.1" needs a blank; allowed: ! 10.0.0.1'],

  // commands
  [
    'no command',
    '-s 10.0.0.1',
    '0:0 no command; allowed: -A, -I, -R, -D, -P, -F, -Z, -N, -X, -L, -M -L and -M -S',
  ],
  [
    'nothing but the program',
    ' ipchains',
    '0:1 no command; allowed: -A, -I, -R, -D, -P, -F, -Z, -N, -X, -L, -M -L and -M -S',
  ],
  ['two commands', '-A input -F', '0:9 -F does not go with -A'],
  ['three commands', '-L -Z -M', '0:6 -M does not go with -L'],
  ['a chain where all are listed', '-L input -Z', '0:3 -L takes no chain here; found "input"'],
  ['-C', '-C input -p tcp', '0:0 -C sets nothing up: it only asks; leave it out'],
  ['-M alone', '-M', '0:0 -M does nothing alone; allowed: -M -L, and -M -S tcp tcpfin udp'],
  ['a rule’s flag elsewhere', '-F input -l', '0:9 -l does not go with -F'],
  ['a list’s flag elsewhere', '-A input -n', '0:9 -n does not go with -A; it goes with -L'],
  ['delete by number and rule', '-D input 1 -j DENY', '0:11 -j does not go with a rule number'],
  ['replace without a number', '-R input -j DENY', '0:0 -R needs a rule number after the chain'],
  ['replace both ways', '-R input 1 -b', '0:11 -b makes two rules, and -R replaces one'],
  ['rule number 0', '-I input 0', '0:9 "0" is no rule number; allowed: 1 for the first rule, and up'],
  ['two timeouts', '-M -S 7200 10', '0:3 -S takes three numbers of seconds, tcp tcpfin udp; found 2'],
  ['four timeouts', '-M -S 1 2 3 4', '0:3 -S takes three numbers of seconds, tcp tcpfin udp; found 4'],
  ['a negative timeout', '-M -S 7200 -10 160', `0:11 "-10" is no timeout; ${TIMEOUT}`],
  ['a timeout with a unit', '-M -S 2h 10 160', `0:6 "2h" is no timeout; ${TIMEOUT}`],
  ['a timeout the kernel cannot hold', '-S 21474837 0 0', `0:3 "21474837" is no timeout; ${TIMEOUT}`],

  // chains and targets
  [
    'a chain in capitals',
    '-A FORWARD -j DENY',
    '0:3 chain FORWARD came with iptables; ipchains writes it forward',
  ],
  [
    'an unknown chain',
    '-A ftp -j DENY',
    '0:3 unknown chain "ftp"; known: input, forward, output; -N ftp makes it',
  ],
  ['too long a name', '-N ninechars', '0:3 chain name "ninechars" has 9 characters; allowed: up to 8'],
  ['a chain twice', '-N ftp\n-N ftp', '1:3 there is a chain "ftp" already'],
  ['a chain called as a target', '-N DENY', '0:3 "DENY" is a target; no rule could jump to such a chain'],
  ['a built-in chain deleted', '-X input', '0:3 input is a built-in chain, which stays; -F input empties it'],
  [
    'a jump to a built-in chain',
    '-A input -j output',
    '0:12 "output" is a built-in chain; rules jump to user chains only',
  ],
  ['an unknown target', '-A input -j foo', '0:12 unknown target "foo"; ' + TARGETS],
  [
    'a target in small letters',
    '-N ftp\n-A input -j accept',
    `1:12 unknown target "accept"; did you mean ACCEPT? ${TARGETS}, ftp`,
  ],
  [
    'a policy of a user chain',
    '-N ftp\n-P ftp DENY',
    '1:3 a user chain has no policy; allowed: input, forward, output',
  ],
  ['no policy', '-P input', '0:0 -P needs a chain and a policy, e.g. -P input DENY'],
  [
    'a policy that is none',
    '-P input RETURN',
    '0:9 unknown policy "RETURN"; known: ACCEPT, DENY, REJECT, MASQ',
  ],
  ['MASQ as policy of input', '-P input MASQ', '0:9 MASQ stands in forward; found in input'],
  ['MASQ in input', '-A input -j MASQ', '0:12 MASQ stands in forward or a user chain; found in input'],
  ['MASQ in output', '-I output 2 -j MASQ', '0:15 MASQ stands in forward or a user chain; found in output'],
  [
    'REDIRECT in forward',
    '-A forward -p tcp -j REDIRECT',
    '0:21 REDIRECT stands in input or a user chain; found in forward',
  ],
  ['REDIRECT of any protocol', '-A input -j REDIRECT 80', '0:12 REDIRECT needs -p tcp or -p udp'],
  [
    'REDIRECT to a range',
    '-A input -p tcp -j REDIRECT 1:2',
    '0:28 "1:2" is a range; REDIRECT takes one port',
  ],

  // what came with iptables
  ['DROP', '-A input -j DROP', `0:12 target DROP ${IPTABLES} the word here is DENY`],
  ['DROP as policy', '-P input DROP', `0:9 policy DROP ${IPTABLES} the word here is DENY`],
  ['INPUT', '-A INPUT', '0:3 chain INPUT came with iptables; ipchains writes it input'],
  [
    '--state',
    '-A input -m state --state NEW,RELATED -j DENY',
    `0:12 -m state ${IPTABLES} here -m marks packets`,
    `0:18 --state ${IPTABLES} rules here see one packet at a time; -y tells those that open a connection`,
  ],
  ['-t nat', '-t nat -A input', `0:0 -t nat ${IPTABLES} here -t changes the TOS, and there is one table`],
  ['--dports', '-A input -p tcp --dports 1,2', `0:16 --dports ${IPTABLES} one port or range a rule here`],
  ['-E', '-E a b', `0:0 -E ${IPTABLES} chains here keep their names`],
  [
    '-o outside',
    '-A output -o outside',
    '0:13 "outside" is no size; allowed: 0 to 65535 bytes, for -o copies packets to netlink; the interface is -i',
  ],

  // protocols, addresses, ports
  [
    'a protocol',
    '-A input -p ftp',
    '0:12 "ftp" is no protocol; allowed: all, icmp, tcp, udp or a number from 0 to 255',
  ],
  [
    '! all',
    '-A input -p ! all',
    '0:9 a rule for "! all" matches no packet; leave the "!" or the protocol out',
  ],
  ['a bad mask', '-A input -s 10.0.0.0/33', '0:12 "33" is no mask; allowed: 0 to 32, or e.g. 255.255.255.0'],
  [
    'a mask with holes',
    '-A input -s 10.0.0.0/255.0.255.0',
    '0:12 mask 255.0.255.0 has holes; allowed: ones, then zeros, e.g. 255.255.255.0',
  ],
  ['IPv6', '-A input -d fe80::1', '0:12 "fe80::1" is IPv6; allowed: IPv4 addresses'],
  ['IPv6, any', '-A input -d ::/0', '0:12 "::/0" is IPv6; allowed: IPv4 addresses'],
  [
    'a host name',
    '-A input -s ftp.test',
    '0:12 "ftp.test" is no IPv4 address; allowed: e.g. 10.0.0.1 or 10.0.0.0/24',
  ],
  [
    '! 0/0',
    '-A input -s ! 0/0',
    '0:9 a rule for "! 0/0" matches no packet; leave the "!" or the address out',
  ],
  [
    'a range upside down',
    '-A input -p tcp --dport 10:5',
    '0:24 port range 10:5 is upside down; did you mean 5:10?',
  ],
  ['port 0', '-A input -p tcp -s 0/0 0', `0:23 port 0 is out of range; ${PORTS}`],
  ['port 65536', '-A input -p tcp --dport 1:65536', `0:24 port 65536 is out of range; ${PORTS}`],
  ['a negative port', '-A input -p tcp --dport -5', `0:24 "-5" is no port number; ${PORTS}`],
  [
    'a dash',
    '-A input -p tcp -d 0/0 6000-6009',
    '0:23 ipchains writes a range with ":"; did you mean 6000:6009?',
  ],
  [
    'a list',
    '-A input -p tcp --dport 20,21',
    '0:24 "20,21" is a list; a rule of ipchains takes one port or one range, so write one rule each',
  ],
  ['a service', '-A input -p tcp --dport ftp', '0:24 service names are not read here; ftp is port 21'],
  [
    'services',
    '-A input -p tcp -d 0/0 ftp-data:napster',
    '0:23 service names are not read here; ftp-data is port 20, "napster" needs its number',
  ],
  [
    'no port at all',
    '-A input -p tcp -d 0/0 ! :65535',
    '0:25 a rule for no port at all matches no packet; leave the "!" out',
  ],
  ['a port of any protocol', '-A input --dport 21', '0:17 "21" is a port, which needs -p tcp or -p udp'],
  [
    'a port of another protocol',
    '-A input -p 47 -s 0/0 1:',
    '0:22 "1:" is a port, which needs -p tcp or -p udp',
  ],
  [
    'a port of anything but',
    '-A input -p ! tcp -s 0/0 1',
    '0:25 "1" is a port, which needs -p tcp or -p udp',
  ],
  ['an ICMP type', '-A input -p icmp --icmp-type pingu', `0:29 "pingu" is no ICMP type; ${ICMP}`],
  ['an ICMP number', '-A input -p icmp -s 0/0 256', `0:24 "256" is no ICMP type or code; ${ICMP}`],
  ['every ICMP number', '-A input -p icmp -s 0/0 0:', `0:24 "0:" is no ICMP type or code; ${ICMP}`],
  ['ICMP upside down', '-A input -p icmp -s 0/0 9:8', '0:24 range 9:8 is upside down; did you mean 8:9?'],
  [
    'an ICMP name cut too short',
    '-A input -p icmp -s 0/0 rout',
    '0:24 "rout" may be router-advertisement or router-solicitation; write it out',
  ],
  [
    '! on an ICMP name',
    '-A input -p icmp -s 0/0 ! ping',
    '0:26 "!" does not go with a name of ICMP; write the number of its type, 8',
  ],
  [
    'an ICMP name and a code',
    '-A input -p icmp -s 0/0 ping -d 0/0 0',
    '0:36 the name ping says the code already; write the number of its type instead',
  ],

  // the rest of a rule
  [
    'an interface',
    '-A input -i a/b',
    '0:12 "a/b" is no interface; allowed: a name of up to 15 characters, or its beginning and "+"',
  ],
  ['! +', '-A input -i ! +', '0:9 a rule for "! +" matches no packet; leave the "!" or the interface out'],
  ['-y with udp', '-A input -p udp -y', "0:16 -y needs -p tcp: it asks for TCP's flags"],
  ['-y alone', '-A input --syn', "0:9 --syn needs -p tcp: it asks for TCP's flags"],
  [
    'fragments with ports',
    '-A input -p tcp -f -d 0/0 21',
    '0:16 -f asks for second and further fragments, which carry neither ports nor TCP flags',
  ],
  [
    'fragments with -y',
    '-A input -p tcp -y -f',
    '0:19 -f asks for second and further fragments, which carry neither ports nor TCP flags',
  ],
  ['a mark', '-A input -m 0x100000000', `0:12 "0x100000000" is no mark; ${MARK}`],
  ['a mark in words', '-A input -m 5x', `0:12 "5x" is no mark; ${MARK}`],
  ['one byte of TOS', '-A input -t 0x01', '0:9 -t needs two bytes in hex, e.g. 0x01 0x10; found "0x01"'],
  [
    'no byte of TOS',
    '-A input -t 0x01 256',
    '0:12 "256" is no byte; allowed after -t: two bytes in hex, e.g. 0x01 0x10',
  ],
  [
    'bit 0 of TOS',
    '-A input -t 0x00 0x10',
    '0:12 TOS 0x00 0x10 touches bit 0, which must stay (RFC 1349); allowed: e.g. 0x01 0x10',
  ],
  [
    'two bits of TOS',
    '-A input -t 0x01 0x0c',
    '0:12 TOS 0x01 0x0c sets more than one bit of the TOS (RFC 1349)',
  ],

  // as many as can be found
  [
    'all that is wrong with a line',
    '-A INPUT -p udp -y -s 10.0.0.0/40 ftp --dport 0 --jmup -j DROP',
    '0:3 chain INPUT came with iptables; ipchains writes it input',
    "0:16 -y needs -p tcp: it asks for TCP's flags",
    '0:22 "40" is no mask; allowed: 0 to 32, or e.g. 255.255.255.0',
    '0:34 service names are not read here; ftp is port 21',
    `0:46 port 0 is out of range; ${PORTS}`,
    '0:48 unknown flag --jmup; did you mean --jump?',
    `0:58 target DROP ${IPTABLES} the word here is DENY`,
  ],
  [
    'and with all lines',
    '-F foo\n-A input -j DENY\n-N ninechars\n-A ninechars\n-M',
    '0:3 unknown chain "foo"; known: input, forward, output; -N foo makes it',
    '2:3 chain name "ninechars" has 9 characters; allowed: up to 8',
    '4:0 -M does nothing alone; allowed: -M -L, and -M -S tcp tcpfin udp',
  ],
])('%s: %s', (_what, text, ...problems) => {
  expect(problemsOf(text)).toEqual(problems);
});

test('a wrong command is left out, the others stay', () => {
  const { commands } = parseIpchains('-F\n-A input -j X\n-Z');
  expect(commands.map(({ kind }) => kind)).toEqual(['flush', 'zero']);
});

test('without a context there are no names', () => {
  expect(parseIpchains('-A input -s $client').problems).toEqual([
    { line: 0, column: 12, message: 'unknown name $client; known: none' },
  ]);
});
