// /proc/net of a Linux 2.2 firewall, in the kernel's formats.
import { describe, expect, test } from '@jest/globals';
import { Bench, CLIENT, FIREWALL, FORWARDING, MASQUERADING, SERVER } from './bench-firewall';
import { icmp, udp } from './packets';

function read(bench: Bench, path: string): string {
  const file = bench.firewall.procNet(bench.now).get(path);
  if (!file) throw new Error(`there is no ${path}`);
  return file();
}

/** Lines, each as wide as it must be, without the blanks at its end. */
function columns(bench: Bench, path: string, width: number): string[] {
  const lines = read(bench, path).split('\n').slice(0, -1);
  expect(lines.map(({ length }) => length)).toEqual(lines.map(() => width));
  return lines.map((line) => line.trimEnd());
}

test('which there are', () => {
  const bench = new Bench();
  const paths = (): string[] => [...bench.firewall.procNet(0).keys()];
  const always = [
    'ip_fwchains',
    'ip_fwnames',
    'ip_masquerade',
    'ip_masq/app',
    'ip_masq/tcp',
    'ip_masq/udp',
    'ip_masq/icmp',
  ];
  expect(paths()).toEqual(always);
  bench.type('modprobe ip_masq_portfw');
  expect(paths()).toEqual([...always, 'ip_masq/portfw']);
});

test('ip_fwchains (ip_fw.c, dump_rule)', () => {
  const bench = new Bench('2.2.19', [
    'ipchains -N mine',
    'ipchains -A input -p tcp -s ! 10.0.0.0/24 1025:65535 -d 10.0.0.2 ! 21 -i ! outside ! -y -l -j mine',
    'ipchains -A input -p udp -d 0/0 53 -t 0x01 0x10 -m 7 -o 64 -i eth+ -j REDIRECT 5353',
    'ipchains -A mine ! -f -m +2',
  ]);
  bench.from('inside', udp({ source: CLIENT, destination: SERVER, sourcePort: 1, destinationPort: 2 }));
  expect(read(bench, 'ip_fwchains')).toBe(
    [
      '    input 0A000000/FFFFFF00->0A000002/FFFFFFFF outside 3 71 6 0         0         0         0         1025-65535 21-21 AFF X00 00000000 0 65535      mine',
      '    input 00000000/00000000->00000000/00000000 eth 38 0 17 0         0         0         0         0-65535 53-53 A01 X10 000014E9 7 64  REDIRECT',
      '     mine 00000000/00000000->00000000/00000000 - 14 80 0 0         0         0         0         0-65535 0-65535 AFF X00 00000000 2 65535         -',
      '',
    ].join('\n'),
  );
});

test('ip_fwnames (ip_fw.c, ip_chain_name_procinfo)', () => {
  const bench = new Bench('2.2.19', [
    'ipchains -P forward DENY',
    'ipchains -N mine',
    'ipchains -A output -j mine',
  ]);
  bench.out({});
  expect(read(bench, 'ip_fwnames')).toBe(
    'input ACCEPT 1 0 1 0 40\nforward DENY 1 0 1 0 40\noutput ACCEPT 1 0 0 0 0\nmine - 1 0 0 0 0\n',
  );
});

describe('the masquerade table', () => {
  function busy(): Bench {
    const bench = new Bench('2.2.19', [...MASQUERADING, 'modprobe ip_masq_ftp ports=21,2121']);
    bench.open();
    bench.out({ sequence: 1001, payload: 'PORT 10,0,0,2,4,2\r\n' });
    bench.from('inside', udp({ source: CLIENT, destination: SERVER, sourcePort: 1025, destinationPort: 53 }));
    bench.from('inside', icmp({ source: CLIENT, destination: SERVER, type: 8, identifier: 5 }));
    bench.now = 0.03;
    return bench;
  }

  test('ip_masquerade (ip_masq.c, ip_msqhst_procinfo): jiffies, free ports of UDP, TCP and ICMP', () => {
    // By the kernel's buckets: 74, 78, 83 and 90.
    expect(columns(busy(), 'ip_masquerade', 127)).toEqual([
      'Prc FromIP   FPrt ToIP     TPrt Masq Init-seq  Delta PDelta Expires (free=40959,40958,40959)',
      'ICMP 0A000002:0005 CB007109:0008 EE4B 00000000      0      0    5997',
      'TCP 0A000002:0402 CB007109:0000 EE49 00000000      0      0   11997',
      'TCP 0A000002:0401 CB007109:0015 EE48 000003E9      6      0   89997',
      'UDP 0A000002:0401 CB007109:0035 EE4A 00000000      0      0   29997',
    ]);
  });

  test('ip_masq/tcp, udp, icmp (ip_masq_user.c, ip_masq_user_info)', () => {
    const bench = busy();
    const heading =
      'Prot SrcIP    SPrt DstIP    DPrt MAddr    MPrt State        Flgs Ref Ctl Expires HRow HCol (free=40959,40958,40959)';
    expect(columns(bench, 'ip_masq/tcp', 127)).toEqual([
      heading,
      'TCP  0A000002:0402 CB007109:0000 CB007101:EE49 LISTEN       182    3  -1     119   78    1',
      'TCP  0A000002:0401 CB007109:0015 CB007101:EE48 ESTABLISHED  300    3   1     899   83    1',
    ]);
    expect(columns(bench, 'ip_masq/udp', 127)).toEqual([
      heading,
      expect.stringMatching(
        /^UDP {2}0A000002:0401 CB007109:0035 CB007101:EE4A UDP {10}181 {4}3 {3}0 {5}299 +\d+ +1$/,
      ),
    ]);
    expect(columns(bench, 'ip_masq/icmp', 127)[1]).toMatch(
      /^ICMP 0A000002:0005 CB007109:0008 .* ICMP {9}180 /,
    );
  });

  test('ip_masq/app (ip_masq_app.c, ip_masq_app_getinfo)', () => {
    expect(columns(busy(), 'ip_masq/app', 39)).toEqual([
      'prot port    n_attach name',
      'TCP  21      1        ftp',
      'TCP  2121    0        ftp',
    ]);
    expect(columns(new Bench(), 'ip_masq/app', 39)).toEqual(['prot port    n_attach name']);
  });

  test('ipchains -M -L has a ping’s 8, as the file has it (ip_masq.c, icmp_hv_req)', () => {
    expect(busy().type('ipchains -M -L -n')).toContain('5 (61003) -> 8\n');
  });
});

test('ip_masq/portfw (ip_masq_portfw.c, portfw_procinfo)', () => {
  const bench = new Bench('2.2.19', [
    ...FORWARDING,
    `ipmasqadm portfw -a -P udp -L ${FIREWALL} 53 -R ${CLIENT} 5353 -p 3`,
  ]);
  expect(columns(bench, 'ip_masq/portfw', 63)).toEqual([
    'Prot LAddr    LPort > RAddr    RPort PrCnt  Pref',
    'UDP  CB007101    53 > 0A000002  5353     3     3',
    'TCP  CB007101    21 > 0A000002    21    10    10',
  ]);
});
