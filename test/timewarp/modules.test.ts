import { runs, scenarioWith } from '../support';
import { describeTimewarp, startMachine } from './kernel';

const HELPER = `rules: |
    table ip office {
      ct helper ftp-standard {
        type "ftp" protocol tcp
      }
      chain helpers {
        type filter hook prerouting priority -150; policy accept;
        iifname "inside" tcp dport 21 ct helper set "ftp-standard"
      }
      chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname "inside" oifname "outside" tcp dport 21 ct state new accept
      }
      chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        oifname "outside" masquerade
      }
    }`;

describeTimewarp('modules that are modules', (kernel) => {
  test('modprobe loads them and rmmod unloads them, by the names of Linux 2.4 too', async () => {
    const commands = [
      'lsmod | wc -l',
      'modprobe ip_conntrack_ftp ports=21,2121 && lsmod | cut -d " " -f 1 | tail -n +2',
      'cat /sys/module/nf_conntrack_ftp/parameters/ports',
      'modprobe ip_nat_ftp; modprobe nf_nat_ftp && lsmod | wc -l',
      'rmmod nf_conntrack_ftp 2>&1 || true',
      'rmmod nf_nat_ftp nf_conntrack_ftp && lsmod | wc -l',
    ];
    const child = startMachine(
      kernel(),
      `const { execSync } = require('child_process');
       for (const c of ${JSON.stringify(commands)}) require('fs').writeSync(1, execSync(c + ' 2> /dev/null || true').toString() + '--\\n');`,
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    await new Promise((resolve) => child.once('close', resolve));
    expect(said.split('--\n').map((part) => part.trim())).toEqual([
      '1',
      'nf_conntrack_ftp',
      '21,2121',
      '3',
      expect.stringMatching(/^(?:|rmmod: .*in use.*)$/),
      '1',
      '',
    ]);
  });

  test('a rule that names the helper has the kernel load nf_conntrack_ftp, but not nf_nat_ftp: PORT crosses as it is', async () => {
    const changes = (modules: string): [string | RegExp, string][] => [
      [/rules: \|\n.*\n.*new accept/, `${modules}${HELPER}`],
      ['mode: passive', 'mode: active'],
      ['download is complete', 'the PORT of the download arrives outside rewritten'],
    ];
    const without = scenarioWith(changes(''));
    const alone = await runs([without, '--engine', 'timewarp']);
    expect(alone.runs[0]?.expectations.map(({ held }) => held)).toEqual([false]);
    expect(alone.runs[0]?.diagnosis.map(({ code }) => code)).toEqual(['inside-address-in-port']);
    const both = 'modules: [ip_conntrack_ftp, ip_nat_ftp]\n  attach: module\n  ';
    const helped = await runs([scenarioWith(changes(both)), '--engine', 'timewarp']);
    expect(helped.runs[0]?.expectations.map(({ held }) => held)).toEqual([true]);
  });
});
