// ipchains -C: the kernel says what would become of a packet (ip_fw.c, ip_fw_ctl, IP_FW_CHECK).
import { describe, expect, test } from '@jest/globals';
import { Bench } from './bench-firewall';

const RULES = [
  'ipchains -P forward DENY',
  'ipchains -N ftp',
  'ipchains -N round',
  'ipchains -A round -j ftp',
  'ipchains -A ftp -p tcp -d 0/0 22',
  'ipchains -A ftp -p tcp -d 0/0 23 -j round',
  'ipchains -A input -p tcp -y -l -t 0x01 0x10 -m 5 -d 10.0.0.2 21 -i outside -j ACCEPT',
  'ipchains -A input -p tcp -d 10.0.0.2 21 -j REJECT',
  'ipchains -A input -p tcp -d 0/0 80 -j REDIRECT 8080',
  'ipchains -A input -f -j DENY',
  'ipchains -A input -p icmp --icmp-type ping -j DENY',
  'ipchains -A input -p tcp -d 0/0 23 -j ftp',
  'ipchains -A forward -i outside -j MASQ',
];
const ENDS = '-s 203.0.113.20 1025 -d 10.0.0.2';

describe('what it prints (libipfwc.c, ipfwc_check_packet)', () => {
  test.each([
    [`-C input -p tcp -y ${ENDS} 21 -i outside`, 'accepted'],
    [`-C input -p tcp ${ENDS} 21 -i outside`, 'rejected'],
    [`-C input -p tcp ! -y ${ENDS} 21 -i outside`, 'rejected'],
    [`-C input -p tcp ${ENDS} 80 -i inside`, 'redirected'],
    [`-C input -p tcp -f -s 203.0.113.20 -d 10.0.0.2 -i inside`, 'denied'],
    [`-C input -p icmp -s 203.0.113.20 ping -d 10.0.0.2 -i inside`, 'denied'],
    [`-C input -p icmp -s 203.0.113.20 0 -d 10.0.0.2 0 -i inside`, 'accepted'],
    [`-C input -p 47 -s 203.0.113.20 -d 10.0.0.2 -i inside`, 'accepted'],
    [`-C input -p tcp ${ENDS} 23 -i inside`, 'caught in loop'],
    [`-C forward -p udp ${ENDS} 53 -i outside`, 'masqueraded'],
    [`-C forward -p udp ${ENDS} 53 -i inside`, 'denied'],
    [`-C ftp -p tcp ${ENDS} 22 -i inside`, 'passed through chain'],
  ])('%s: %s', (words, answer) => {
    expect(new Bench('2.2.19', RULES).type(`ipchains ${words}`)).toBe(`${answer}\n`);
  });
});

test('nothing counts, is logged, or traced (ip_fw.c, ip_fw_check, testing)', () => {
  const bench = new Bench('2.2.19', RULES);
  bench.firewall.traceRules(true);
  bench.type(
    `ipchains -C input -p tcp -y ${ENDS} 21 -i outside`,
    `ipchains -C input -p tcp ${ENDS} 23 -i lo`,
  );
  bench.type(`ipchains -C output -p tcp ${ENDS} 21 -i lo`);
  const counters = [...bench.firewall.ruleCounters(), ...bench.firewall.policyCounters()];
  expect(counters.filter(({ packets }) => packets > 0)).toEqual([]);
  expect(bench.events).toEqual([]);
});

test('a packet in a loop is blocked, and the kernel says where (ip_fw.c, cleanup)', () => {
  const bench = new Bench('2.2.19', RULES);
  expect(bench.out({ destinationPort: 23 })).toEqual([]);
  expect(bench.told('log')).toMatchObject([
    { line: "IP firewall: Loop detected at `ftp'." },
    { line: 'Chain backtrace: round<-ftp<-input' },
  ]);
});

describe('what it needs', () => {
  test.each([
    [`-C input -p tcp ${ENDS} 21`, 'ipchains: -C needs -i and one interface; allowed: inside, outside, lo\n'],
    [
      `-C input -p tcp ${ENDS} 21 -i eth0`,
      'ipchains: -C needs -i and one interface; allowed: inside, outside, lo\n',
    ],
    [
      `-C input -s 203.0.113.20 -d 10.0.0.2 -i inside`,
      'ipchains: -C needs -p and one protocol; allowed: tcp, udp, icmp or a number from 1 to 255\n',
    ],
    [
      `-C input -p tcp -d 10.0.0.2 21 -i inside`,
      'ipchains: -C needs -s and one address; allowed: one such as 203.0.113.20\n',
    ],
    [
      `-C input -p tcp -s 203.0.113.20 1025 -d 10.0.0.0/24 21 -i inside`,
      'ipchains: -C needs -d and one address; allowed: one such as 203.0.113.20\n',
    ],
    [`-C input -p tcp ${ENDS} -i inside`, 'ipchains: -C needs a port behind the address of -d\n'],
    [`-C input -p tcp ${ENDS} 20:21 -i inside`, 'ipchains: -C needs a port behind the address of -d\n'],
    [
      `-C input -p icmp -s 203.0.113.20 -d 10.0.0.2 -i inside`,
      'ipchains: -C needs a type of ICMP behind the address of -s\n',
    ],
    [`-C input -p tcp ${ENDS} 21 -i inside -j DENY`, 'ipchains: column 72: -j does not go with -C\n'],
    [
      `-C mine -p tcp ${ENDS} 21 -i inside`,
      'ipchains: column 13: unknown chain "mine"; known: input, forward, output, ftp, round; -N mine makes it\n',
    ],
  ])('%s', (words, output) => {
    const bench = new Bench('2.2.19', RULES);
    expect(bench.firewall.run(`ipchains ${words}`, 0)).toEqual({ output, code: 2 });
  });
});
