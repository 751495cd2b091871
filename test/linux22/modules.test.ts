// modutils 2.3, and the modules that start scripts of the time load.
import { describe, expect, test } from '@jest/globals';
import { Bench } from './bench-firewall';

const said = (bench: Bench, line: string): { output: string; code: number } => bench.firewall.run(line, 0);
const loaded = (bench: Bench): string[] =>
  bench
    .type('lsmod')
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(' ')[0] ?? '');

describe('modules that do nothing here', () => {
  test('are loaded, and the log says so once', () => {
    const bench = new Bench('2.2.14', [
      '/sbin/depmod -a',
      '/sbin/modprobe ip_masq_irc ports=6667,7000',
      '/sbin/modprobe ip_masq_raudio',
      'rmmod ip_masq_irc',
      'modprobe ip_masq_irc',
    ]);
    expect(loaded(bench)).toEqual(['ip_masq_irc', 'ip_masq_raudio']);
    expect(bench.told('log')).toMatchObject([
      { line: 'lab: ip_masq_irc is loaded and does nothing here' },
      { line: 'lab: ip_masq_raudio is loaded and does nothing here' },
    ]);
  });

  test.each(['quake', 'vdolive', 'cuseeme', 'user', 'mfw', 'autofw'])('ip_masq_%s, too', (name) => {
    expect(loaded(new Bench('2.2.19', [`modprobe ip_masq_${name}`]))).toEqual([`ip_masq_${name}`]);
  });

  test.each([
    ['modprobe ip_masq_irc ports=0', /each from 1 to 65535/],
    ['modprobe ip_masq_irc in_ports=21', /invalid parameter in_ports=21; ip_masq_irc knows: ports=/],
    ['modprobe ip_masq_quake ports=26000', /invalid parameter ports=26000; ip_masq_quake takes none/],
    ['modprobe ip_masq_icq', /Can't locate module ip_masq_icq/],
    ['modprobe constructor', /Can't locate module constructor/],
  ])('%s is refused', (line, message) => {
    const { code, output } = said(new Bench('2.2.19', []), line);
    expect(code).toBe(255);
    expect(output).toMatch(message);
  });
});

describe('options of modprobe and rmmod', () => {
  test('-a loads several, -r takes one away with what it needed', () => {
    const bench = new Bench('2.2.14', ['modprobe -a lp ip_masq_ftp ip_masq_irc']);
    expect(loaded(bench)).toEqual(['ip_masq_irc', 'ip_masq_ftp', 'lp', 'parport']);
    bench.type('modprobe -r lp ip_masq_irc');
    expect(loaded(bench)).toEqual(['ip_masq_ftp']);
    expect(said(bench, 'modprobe -r lp')).toEqual({
      code: 255,
      output: 'modprobe: module lp is not loaded\n',
    });
  });

  test('-v shows what is loaded; -n only shows', () => {
    const bench = new Bench('2.2.14', []);
    expect(bench.type('modprobe -nv ip_masq_ftp ports=21,2121')).toBe(
      '/sbin/insmod /lib/modules/2.2.14/ipv4/ip_masq_ftp.o ports=21,2121\n',
    );
    expect(bench.type('modprobe --verbose parport_pc')).toBe(
      '/sbin/insmod /lib/modules/2.2.14/misc/parport.o\n/sbin/insmod /lib/modules/2.2.14/misc/parport_pc.o\n',
    );
    expect(loaded(bench)).toEqual(['parport_pc', 'parport']);
  });

  test('-s has errors go to the log, -q says nothing of modules there are not', () => {
    const bench = new Bench('2.2.14', []);
    expect(said(bench, 'modprobe -s -k ip_masq_icq')).toEqual({ code: 255, output: '' });
    expect(bench.told('log')).toEqual([
      { kind: 'log', at: 0, line: expect.stringMatching(/^modprobe: Can't locate module/) },
    ]);
    expect(said(bench, 'modprobe -q ip_masq_icq')).toEqual({ code: 255, output: '' });
  });

  test('-k lets a module go by itself: the second rmmod -a that finds it unused unloads it', () => {
    const bench = new Bench('2.2.14', ['modprobe -k ip_masq_irc', 'modprobe ip_masq_raudio']);
    expect(bench.type('lsmod')).toContain('ip_masq_irc             1632   0  (autoclean) (unused)\n');
    bench.type('rmmod -a');
    expect(loaded(bench)).toEqual(['ip_masq_raudio', 'ip_masq_irc']);
    bench.type('rmmod -a');
    expect(loaded(bench)).toEqual(['ip_masq_raudio']);
  });

  test.each([
    ['modprobe -z ip_masq_ftp', /invalid option -z; allowed: -s \(--syslog\)/],
    ['rmmod --force ip_masq_ftp', /invalid option --force; allowed: -s/],
    ['modprobe', /which module/],
    ['modprobe -a ip_masq_ftp ports=21', /ports=21 does not go with -a/],
    ['insmod -f', /which module/],
  ])('%s is refused', (line, message) => {
    expect(said(new Bench('2.2.19', []), line).output).toMatch(message);
  });
});
