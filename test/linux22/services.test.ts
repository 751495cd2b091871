// Names of /etc/services, as the tool reads and prints them; scenarios want numbers.
import { describe, expect, test } from '@jest/globals';
import { servicePort } from '../../src/firewall/ipchains/services';
import { Bench } from './bench-firewall';

/** Ports of the first rule, without -n. */
const listed = (line: string): string =>
  new Bench('2.2.19', [line]).type('ipchains -L input').split('\n')[2]?.slice(66) ?? '';

describe('ipchains reads and prints service names (getservbyname(3), getservbyport(3))', () => {
  test.each([
    ['-p tcp -d 0/0 ftp', 'any ->   ftp'],
    ['-p tcp -s 0/0 ftp-data -d 0/0 1024:', 'ftp-data ->   1024:65535'],
    ['-p tcp -d 0/0 http', 'any ->   www'],
    ['-p udp --dport netbios-ns:netbios-ssn', 'any ->   netbios-ns:netbios-ssn'],
    ['-p tcp -d 0/0 514', 'any ->   shell'],
    ['-p udp -d 0/0 514', 'any ->   syslog'],
    ['-p tcp -d 0/0 6000:6010', 'any ->   x11:6010'],
    ['-p udp -d 0/0 113', 'any ->   113'],
    ['-p tcp -d 0/0 WWW -j REDIRECT webcache', 'any ->   www => 8080'],
  ])('%s', (words, ports) => {
    expect(listed(`ipchains -A input ${words}`).trim()).toBe(ports);
  });

  test('-C and ipchains-restore read them, too', () => {
    const bench = new Bench('2.2.19', []);
    bench.firewall.run('ipchains-restore', 0, { input: '-A input -p tcp -d 0/0 telnet -j DENY\n' });
    expect(bench.type('ipchains -C input -p tcp -s 10.0.0.2 1025 -d 10.0.0.1 telnet -i inside')).toBe(
      'denied\n',
    );
  });

  test('one there is not', () => {
    expect(new Bench('2.2.19', []).firewall.run('ipchains -A input -p tcp -d 0/0 ftp:napster', 0)).toEqual({
      output: 'ipchains: column 33: no such service; "napster" needs its number\n',
      code: 2,
    });
    expect(servicePort('constructor')).toBeNull();
  });
});
