/** What a value of a flag is, for our own reading; `text` is left to iptables. */
export type ValueKind =
  | 'text'
  | 'addresses'
  | 'address'
  | 'addressRange'
  | 'ports'
  | 'portList'
  | 'natAddress'
  | 'natPorts'
  | 'state'
  | 'ctstate'
  | 'tcpFlags'
  | 'comment'
  | 'protocol'
  | 'interface'
  | 'module'
  | 'jump'
  | 'goto';

/** Flags and the values each takes. */
export type Options = Readonly<Record<string, readonly ValueKind[]>>;

export const TABLES = ['filter', 'nat', 'mangle', 'raw'] as const;
export type TableName = (typeof TABLES)[number];

/** The chains the kernel itself has, per table (iptables(8), TABLES). */
export const CHAINS: Readonly<Record<TableName, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
};

/** Longer names of the flags every rule may have (iptables(8), PARAMETERS). */
export const CORE_ALIASES: Readonly<Record<string, string>> = {
  '--source': '-s',
  '--src': '-s',
  '--destination': '-d',
  '--dst': '-d',
  '--protocol': '-p',
  '--proto': '-p',
  '--in-interface': '-i',
  '--out-interface': '-o',
  '--match': '-m',
  '--jump': '-j',
  '--goto': '-g',
  '--fragment': '-f',
};

export const CORE: Options = {
  '-s': ['addresses'],
  '-d': ['addresses'],
  '-p': ['protocol'],
  '-i': ['interface'],
  '-o': ['interface'],
  '-m': ['module'],
  '-j': ['jump'],
  '-g': ['goto'],
  '-f': [],
};

const one = (...names: string[]): Options =>
  Object.fromEntries(names.map((name) => [name, ['text'] as const]));
const none = (...names: string[]): Options => Object.fromEntries(names.map((name) => [name, []]));

const PORTS: Options = {
  '--sport': ['ports'],
  '--source-port': ['ports'],
  '--dport': ['ports'],
  '--destination-port': ['ports'],
};

/** The matches whose flags we know (iptables-extensions(8), 1.8.9); flags of others are left to iptables. */
export const MODULES: Readonly<Record<string, Options>> = {
  tcp: { ...PORTS, '--syn': [], '--tcp-flags': ['tcpFlags', 'tcpFlags'], '--tcp-option': ['text'] },
  udp: PORTS,
  icmp: one('--icmp-type'),
  state: { '--state': ['state'] },
  conntrack: {
    '--ctstate': ['ctstate'],
    '--ctorigsrc': ['address'],
    '--ctorigdst': ['address'],
    '--ctreplsrc': ['address'],
    '--ctrepldst': ['address'],
    ...one('--ctproto', '--ctorigsrcport', '--ctorigdstport', '--ctreplsrcport', '--ctrepldstport'),
    ...one('--ctstatus', '--ctexpire', '--ctdir'),
  },
  multiport: {
    '--sports': ['portList'],
    '--source-ports': ['portList'],
    '--sport': ['portList'],
    '--source-port': ['portList'],
    '--dports': ['portList'],
    '--destination-ports': ['portList'],
    '--dport': ['portList'],
    '--destination-port': ['portList'],
    '--ports': ['portList'],
    '--port': ['portList'],
  },
  comment: { '--comment': ['comment'] },
  limit: one('--limit', '--limit-burst'),
  helper: one('--helper'),
  mac: one('--mac-source'),
  iprange: { '--src-range': ['addressRange'], '--dst-range': ['addressRange'] },
  mark: one('--mark'),
  connmark: one('--mark'),
  owner: { ...one('--uid-owner', '--gid-owner'), ...none('--socket-exists', '--suppl-groups') },
  length: one('--length'),
  ttl: one('--ttl-eq', '--ttl-lt', '--ttl-gt', '--ttl'),
  tos: one('--tos'),
  connlimit: {
    ...one('--connlimit-upto', '--connlimit-above', '--connlimit-mask'),
    ...none('--connlimit-saddr', '--connlimit-daddr'),
  },
  recent: {
    ...none('--set', '--rcheck', '--update', '--remove', '--reap', '--rttl', '--rsource', '--rdest'),
    ...one('--seconds', '--hitcount', '--name', '--mask'),
  },
  string: { ...one('--algo', '--string', '--hex-string', '--from', '--to'), ...none('--icase') },
};

const MARKS = one('--set-mark', '--set-xmark', '--and-mark', '--or-mark', '--xor-mark');

/** The targets and their flags; null: the target is known, its flags are left to iptables. */
export const TARGETS: Readonly<Record<string, Options | null>> = {
  ACCEPT: {},
  DROP: {},
  RETURN: {},
  QUEUE: {},
  REJECT: one('--reject-with'),
  LOG: {
    ...one('--log-level', '--log-prefix'),
    ...none('--log-tcp-sequence', '--log-tcp-options', '--log-ip-options', '--log-uid', '--log-macdecode'),
  },
  MASQUERADE: { '--to-ports': ['natPorts'], ...none('--random', '--random-fully') },
  SNAT: { '--to-source': ['natAddress'], ...none('--random', '--random-fully', '--persistent') },
  DNAT: { '--to-destination': ['natAddress'], ...none('--random', '--persistent') },
  REDIRECT: { '--to-ports': ['natPorts'], ...none('--random') },
  NOTRACK: {},
  CT: {
    ...none('--notrack'),
    ...one('--helper', '--ctevents', '--expevents', '--zone', '--zone-orig', '--zone-reply', '--timeout'),
  },
  MARK: MARKS,
  CONNMARK: { ...MARKS, ...none('--save-mark', '--restore-mark'), ...one('--nfmask', '--ctmask', '--mask') },
  TCPMSS: { ...one('--set-mss'), ...none('--clamp-mss-to-pmtu') },
  TTL: one('--ttl-set', '--ttl-dec', '--ttl-inc'),
  ULOG: one('--ulog-nlgroup', '--ulog-prefix', '--ulog-cprange', '--ulog-qthreshold'),
  NFLOG: one('--nflog-group', '--nflog-prefix', '--nflog-range', '--nflog-size', '--nflog-threshold'),
  NFQUEUE: { ...one('--queue-num', '--queue-balance'), ...none('--queue-bypass', '--queue-cpu-fanout') },
  TOS: one('--set-tos', '--and-tos', '--or-tos', '--xor-tos'),
  DSCP: one('--set-dscp', '--set-dscp-class'),
  ...Object.fromEntries(
    ['AUDIT', 'CHECKSUM', 'CLASSIFY', 'CLUSTERIP', 'CONNSECMARK', 'ECN', 'HMARK', 'IDLETIMER', 'LED']
      .concat(['NETMAP', 'RATEEST', 'SECMARK', 'SET', 'SYNPROXY', 'TARPIT', 'TCPOPTSTRIP', 'TEE', 'TPROXY'])
      .concat(['TRACE'])
      .map((name) => [name, null]),
  ),
};

/** Where a target may stand: its table and, of the built-in chains, which (null: any). Others may stand anywhere. */
export const PLACES: Readonly<
  Record<string, { readonly tables: readonly TableName[]; readonly chains: readonly string[] | null }>
> = {
  MASQUERADE: { tables: ['nat'], chains: ['POSTROUTING'] },
  SNAT: { tables: ['nat'], chains: ['POSTROUTING'] },
  DNAT: { tables: ['nat'], chains: ['PREROUTING', 'OUTPUT'] },
  REDIRECT: { tables: ['nat'], chains: ['PREROUTING', 'OUTPUT'] },
  CT: { tables: ['raw'], chains: null },
  NOTRACK: { tables: ['raw'], chains: null },
  REJECT: { tables: ['filter'], chains: null },
  // iptables itself: “The "nat" table is not intended for filtering”.
  DROP: { tables: ['filter', 'mangle', 'raw'], chains: null },
  TTL: { tables: ['mangle'], chains: null },
  TOS: { tables: ['mangle'], chains: null },
  DSCP: { tables: ['mangle'], chains: null },
};

/** `--state` (xt_state) and `--ctstate` (xt_conntrack). */
export const STATES = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED'] as const;
export const CTSTATES = [...STATES, 'SNAT', 'DNAT'] as const;

export const TCP_FLAGS = ['SYN', 'ACK', 'FIN', 'RST', 'URG', 'PSH', 'ALL', 'NONE'] as const;

/** Protocols with ports, which the multiport match and NAT to a port need. */
export const PORT_PROTOCOLS: readonly string[] = ['tcp', 'udp', 'udplite', 'sctp', 'dccp'];

/** Protocol names `-p` takes, besides numbers (/etc/protocols, shortened to what routers meet). */
export const PROTOCOLS: readonly string[] = [
  ...PORT_PROTOCOLS,
  ...['all', 'icmp', 'igmp', 'ip', 'ipencap', 'ipip', 'ipv6', 'gre', 'esp', 'ah', 'ospf', 'pim', 'vrrp'],
  ...['l2tp', 'rdp', 'rsvp', 'eigrp', 'egp', 'igp', 'etherip', 'ipcomp', 'isis', 'hip', 'mh', 'manet'],
];

/** Protocol numbers by which the name is spelled here. */
export const PROTOCOL_NUMBERS: Readonly<Record<string, string>> = {
  '0': 'all',
  '1': 'icmp',
  '6': 'tcp',
  '17': 'udp',
  '33': 'dccp',
  '132': 'sctp',
  '136': 'udplite',
};

/** Service names people write as ports, and their numbers (IANA). */
export const SERVICES: Readonly<Record<string, number>> = {
  'ftp-data': 20,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  tftp: 69,
  http: 80,
  www: 80,
  pop3: 110,
  auth: 113,
  ntp: 123,
  imap: 143,
  imap2: 143,
  https: 443,
  'ftps-data': 989,
  ftps: 990,
  socks: 1080,
  x11: 6000,
};
