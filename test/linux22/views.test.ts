// What can be asked of a firewall after its start script has run, and whose rules its commands make.
import { describe, expect, test } from '@jest/globals';
import { Bench, CLIENT, FIREWALL, FORWARDING } from './bench-firewall';

describe('whose rules commands make', () => {
  test('is asked once for each that makes rules or sets a policy, and for no other', () => {
    const bench = new Bench('2.2.14', []);
    const asked: string[] = [];
    const lines = [
      'ipchains -P input DENY',
      'ipchains -N mine',
      'ipchains -A input -p tcp -s 10.0.0.2 -b -j ACCEPT',
      'ipchains -I input -p udp -j DENY',
      'ipchains -R input 1 -p udp -j REJECT',
      'ipchains -D input 1',
      'ipchains -L -n',
      'ipchains -M -S 7200 10 160',
    ];
    for (const line of lines) {
      const rowOf = ({ kind, text }: { kind: string; text: string }) => {
        asked.push(text);
        return kind === 'policy' ? ('policy' as const) : asked.length;
      };
      expect(bench.firewall.run(line, 0, { rowOf }).code).toBe(0);
    }
    expect(asked).toEqual([lines[0], lines[2], lines[3], lines[4]]);
    expect(bench.firewall.ruleCounters().map(({ row }) => row)).toEqual([2, 2]);
    expect(bench.firewall.policyCounters().map(({ row }) => row)).toEqual(['policy', null, null]);
  });

  test('which policies count can be said afterwards', () => {
    const { firewall } = new Bench('2.2.14', ['ipchains -P input DENY']);
    firewall.countPolicies(['input', 'output']);
    firewall.countPolicies(['forward']);
    expect(firewall.policyCounters().map(({ chain, row }) => [chain, row])).toEqual([
      ['input', null],
      ['forward', 'policy'],
      ['output', null],
    ]);
  });
});

describe('what there is', () => {
  test('policies, ports of ip_masq_ftp, forwarded ports', () => {
    const { firewall } = new Bench('2.2.19', [...FORWARDING, 'ipchains -P output REJECT']);
    expect(firewall.policies()).toEqual({ input: 'ACCEPT', forward: 'DENY', output: 'REJECT' });
    expect(firewall.ftpPorts()).toBeNull();
    firewall.run('modprobe ip_masq_ftp ports=21,2121 in_ports=21', 0);
    expect(firewall.ftpPorts()).toEqual({ ports: [21, 2121], inPorts: [21] });
    expect(firewall.forwards()).toEqual([
      {
        protocol: 'tcp',
        local: { address: FIREWALL, port: 21 },
        remote: { address: CLIENT, port: 21 },
        preference: 10,
      },
    ]);
  });
});
