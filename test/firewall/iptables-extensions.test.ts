import { readIptablesCounters } from '../../src/firewall/iptables/dialect';
import { load, rulesetOf } from './load-iptables';

// Every match and target that Debian's iptables ships for IPv4, where it may stand: the lab refuses none. What a
// kernel lacks is told by loading the rule without the lab.

/** `table chain rule` */
const MATCHES = `
filter FORWARD -m addrtype --dst-type LOCAL
filter FORWARD -p ah -m ah --ahspi 500
filter FORWARD -m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"
filter OUTPUT -m cgroup --cgroup 1
mangle PREROUTING -m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 0xdeadbeef
filter FORWARD -m comment --comment "of its own"
filter FORWARD -m connbytes --connbytes 10000:100000 --connbytes-dir both --connbytes-mode bytes
filter FORWARD -m connlabel --label 1
filter FORWARD -p tcp --syn -m connlimit --connlimit-above 2
filter FORWARD -m connmark --mark 0x1/0xff
filter FORWARD -m conntrack --ctstate NEW,RELATED --ctproto tcp --ctorigdstport 21 --ctdir ORIGINAL
filter FORWARD -m cpu --cpu 0
filter FORWARD -p dccp -m dccp --dport 21
filter FORWARD -m devgroup --src-group 1
filter FORWARD -m dscp --dscp-class AF11
filter FORWARD -p tcp -m ecn --ecn-tcp-cwr
filter FORWARD -p esp -m esp --espspi 500
filter FORWARD -m hashlimit --hashlimit-upto 5/second --hashlimit-mode srcip --hashlimit-name ftp
filter FORWARD -m helper --helper ftp
filter FORWARD -p icmp -m icmp --icmp-type echo-request
filter FORWARD -p ipcomp -m ipcomp --ipcompspi 1
filter FORWARD -m iprange --src-range 10.0.0.1-10.0.0.9
filter FORWARD -m ipvs --ipvs
filter FORWARD -m length --length 40:1500
filter FORWARD -m limit --limit 3/minute --limit-burst 5
filter FORWARD -m mac --mac-source 02:00:00:00:00:01
filter FORWARD -m mark --mark 1
filter FORWARD -p tcp -m multiport --ports 20,21,1024:65535
filter FORWARD -m nfacct --nfacct-name ftp
filter FORWARD -p tcp -m osf --genre Linux
filter OUTPUT -m owner --uid-owner root --gid-owner 0
filter FORWARD -m physdev --physdev-in eth0
filter FORWARD -m pkttype --pkt-type broadcast
filter FORWARD -m policy --dir in --pol none
filter FORWARD -m quota --quota 1000000
filter FORWARD -m rateest --rateest est --rateest-lt --rateest-bps 1mbit
filter FORWARD -m realm --realm 1
filter FORWARD -m recent --name ftp --update --seconds 60 --hitcount 4 --rttl
raw PREROUTING -m rpfilter --loose --invert
filter FORWARD -p sctp -m sctp --dport 21 --chunk-types any DATA
filter FORWARD -m set --match-set ftp src
mangle PREROUTING -p tcp -m socket --transparent
filter FORWARD -m state --state NEW,ESTABLISHED
filter FORWARD -m statistic --mode nth --every 3 --packet 0
filter FORWARD -p tcp --dport 21 -m string --algo bm --string "PORT 10,0" --to 100
filter FORWARD -p tcp -m tcp --dport ftp --tcp-flags SYN,ACK SYN --tcp-option 2
filter FORWARD -p tcp --syn -m tcpmss --mss 536:1460
filter FORWARD -m time --timestart 08:00 --timestop 18:00 --weekdays Mon,Tue
filter FORWARD -m tos --tos Minimize-Delay
filter FORWARD -m ttl --ttl-lt 5
filter FORWARD -m u32 --u32 "6&0xFF=6 && 0>>22&0x3C@0&0xFFFF=21"
filter FORWARD -p udp -m udp --sport 53
filter FORWARD -f
`;

const TARGETS = `
filter FORWARD -j AUDIT --type accept
mangle POSTROUTING -p udp -j CHECKSUM --checksum-fill
mangle POSTROUTING -j CLASSIFY --set-class 1:2
mangle PREROUTING -j CONNMARK --save-mark
security INPUT -j CONNSECMARK --save
raw PREROUTING -p tcp --dport 21 -j CT --helper ftp
nat PREROUTING -p tcp -j DNAT --to-destination 10.0.0.10:21
mangle FORWARD -j DSCP --set-dscp-class EF
mangle FORWARD -p tcp -j ECN --ecn-tcp-remove
mangle PREROUTING -j HMARK --hmark-tuple src,dst --hmark-mod 2 --hmark-rnd 0xcafe
filter FORWARD -j IDLETIMER --timeout 60 --label ftp
filter FORWARD -j LED --led-trigger-id ftp
filter FORWARD -j LOG --log-prefix "FTP: " --log-level info
mangle FORWARD -j MARK --set-xmark 0x1/0xff
nat POSTROUTING -o outside -p tcp -j MASQUERADE --to-ports 61000-65095
nat PREROUTING -d 203.0.113.0/24 -j NETMAP --to 10.0.0.0/24
filter FORWARD -j NFLOG --nflog-group 1 --nflog-prefix ftp
filter FORWARD -j NFQUEUE --queue-num 1 --queue-bypass
raw PREROUTING -j NOTRACK
filter FORWARD -j RATEEST --rateest-name est --rateest-interval 250ms --rateest-ewmalog 500ms
nat PREROUTING -p tcp --dport 21 -j REDIRECT --to-ports 2121
filter FORWARD -p tcp -j REJECT --reject-with tcp-reset
mangle FORWARD -j SET --add-set ftp src
nat POSTROUTING -j SNAT --to-source 203.0.113.1-203.0.113.2 --persistent
filter FORWARD -p tcp -j SYNPROXY --mss 1460
mangle FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu
mangle FORWARD -p tcp -j TCPOPTSTRIP --strip-options timestamp
mangle PREROUTING -j TEE --gateway 10.0.0.1
mangle FORWARD -j TOS --set-tos 0x10
mangle PREROUTING -p tcp -j TPROXY --on-port 1
raw PREROUTING -j TRACE
mangle FORWARD -j TTL --ttl-set 64
filter FORWARD -j RETURN
filter FORWARD -j QUEUE
filter FORWARD -j ULOG --ulog-prefix ftp
nat INPUT -j SNAT --to-source 10.0.0.1
`;

interface Example {
  readonly place: string;
  readonly rule: string;
  readonly table: string;
}

function examples(text: string): Example[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [, table = '', chain = '', rule = ''] = /^(\w+) (\w+) (.*)$/.exec(line) ?? [];
      return { table, rule, place: `-A ${chain}` };
    });
}

/** Why iptables does not load the rule as it stands, without the lab; null: it does. */
function plainly({ table, place, rule }: Example): string | null {
  const { code, stderr } = load('iptables-nft', `*${table}\n${place} ${rule}\nCOMMIT\n`);
  return code === 0 ? null : stderr;
}

/** What a complaint says, without program and lines. */
function reason(stderr: string): string {
  return /\((?!nf_tables)[^)]*\)|: (?!\n)[^\n]+|Set[^\n]+/.exec(stderr)?.[0] ?? stderr;
}

describe.each([
  ['matches', MATCHES, 28],
  ['targets', TARGETS, 20],
] as const)('%s', (_, text, atLeast) => {
  const all = examples(text).map((each) => ({ ...each, lacking: plainly(each) }));
  const name = ({ table, place, rule }: Example): string => `-t ${table} ${place} ${rule}`;

  test.each(all.filter(({ lacking }) => lacking === null).map((each) => [name(each)]))('%s', (line) => {
    const { ruleset } = rulesetOf(`iptables ${line}`);
    const { code, saved } = load('iptables-nft', ruleset.text);
    expect(code).toBe(0);
    expect(readIptablesCounters(saved)).toContainEqual({ row: 1, packets: 0, bytes: 0 });
  });

  // By name, with the reason: what iptables here refuses without the lab too, it refuses with it.
  const lacking = all.flatMap((each) => (each.lacking === null ? [] : [{ ...each, lacking: each.lacking }]));
  test.each(lacking.map((each) => [name(each), each.lacking] as const))(
    'refused here by iptables itself: %s',
    (line, why) => {
      const { ruleset } = rulesetOf(`iptables ${line}`);
      const { code, stderr } = load('iptables-nft', ruleset.text);
      expect(code).not.toBe(0);
      expect(reason(stderr)).toBe(reason(why));
    },
  );

  test(`at least ${atLeast} kinds load here`, () => {
    expect(all.length - lacking.length).toBeGreaterThanOrEqual(atLeast);
  });
});
