/** Protocols a service stands in /etc/services for. */
type Spoken = 'tcp' | 'udp' | 'both';
type Service = readonly [port: number, spoken: Spoken, name: string, ...aliases: string[]];

/** /etc/services as Linux 2.2 systems had it, with the names that firewall scripts of the time use. */
const SERVICES: readonly Service[] = [
  [1, 'tcp', 'tcpmux'],
  [7, 'both', 'echo'],
  [9, 'both', 'discard', 'sink', 'null'],
  [11, 'tcp', 'systat', 'users'],
  [13, 'both', 'daytime'],
  [15, 'tcp', 'netstat'],
  [17, 'tcp', 'qotd', 'quote'],
  [19, 'both', 'chargen', 'ttytst', 'source'],
  [20, 'tcp', 'ftp-data'],
  [21, 'tcp', 'ftp'],
  [21, 'udp', 'fsp', 'fspd'],
  [22, 'both', 'ssh'],
  [23, 'tcp', 'telnet'],
  [25, 'tcp', 'smtp', 'mail'],
  [37, 'both', 'time', 'timserver'],
  [42, 'tcp', 'nameserver', 'name'],
  [43, 'tcp', 'whois', 'nicname'],
  [53, 'both', 'domain'],
  [67, 'both', 'bootps'],
  [68, 'both', 'bootpc'],
  [69, 'udp', 'tftp'],
  [70, 'both', 'gopher'],
  [79, 'tcp', 'finger'],
  [80, 'both', 'www', 'http'],
  [87, 'tcp', 'link', 'ttylink'],
  [88, 'both', 'kerberos', 'krb5'],
  [98, 'tcp', 'linuxconf'],
  [109, 'both', 'pop-2', 'pop2', 'postoffice'],
  [110, 'both', 'pop3', 'pop-3'],
  [111, 'both', 'sunrpc', 'portmapper'],
  [113, 'tcp', 'auth', 'ident', 'tap', 'authentication'],
  [115, 'tcp', 'sftp'],
  [117, 'tcp', 'uucp-path'],
  [119, 'tcp', 'nntp', 'readnews', 'untp'],
  [123, 'both', 'ntp'],
  [137, 'both', 'netbios-ns'],
  [138, 'both', 'netbios-dgm'],
  [139, 'both', 'netbios-ssn'],
  [143, 'both', 'imap2', 'imap'],
  [161, 'udp', 'snmp'],
  [162, 'udp', 'snmp-trap', 'snmptrap'],
  [177, 'both', 'xdmcp'],
  [179, 'both', 'bgp'],
  [194, 'both', 'irc'],
  [220, 'both', 'imap3'],
  [389, 'both', 'ldap'],
  [443, 'both', 'https'],
  [512, 'tcp', 'exec'],
  [512, 'udp', 'biff', 'comsat'],
  [513, 'tcp', 'login'],
  [513, 'udp', 'who', 'whod'],
  [514, 'tcp', 'shell', 'cmd'],
  [514, 'udp', 'syslog'],
  [515, 'tcp', 'printer', 'spooler'],
  [517, 'udp', 'talk'],
  [518, 'udp', 'ntalk'],
  [520, 'udp', 'route', 'router', 'routed'],
  [540, 'tcp', 'uucp', 'uucpd'],
  [901, 'tcp', 'swat'],
  [993, 'both', 'imaps'],
  [995, 'both', 'pop3s'],
  [1080, 'both', 'socks'],
  [2049, 'both', 'nfs'],
  [3128, 'tcp', 'squid'],
  [3306, 'both', 'mysql'],
  [6000, 'tcp', 'x11'],
  [6667, 'tcp', 'ircd'],
  [8080, 'tcp', 'webcache'],
];

/** A port by its name, where it has one (getservbyport(3)). */
export function serviceName(port: number, protocol: 'tcp' | 'udp'): string {
  const found = SERVICES.find(
    ([known, spoken]) => known === port && (spoken === protocol || spoken === 'both'),
  );
  return found?.[2] ?? String(port);
}

/**
 * The port a name stands for, with any protocol (getservbyname(3)): in this list none stands for two.
 *
 * @returns null: the name is not known
 */
export function servicePort(name: string): number | null {
  const wanted = name.toLowerCase();
  return SERVICES.find(([, , ...names]) => names.includes(wanted))?.[0] ?? null;
}
