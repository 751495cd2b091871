/** A timeout of connection tracking. */
interface ConntrackTimeout {
  /** the setting below /proc/sys/net/netfilter */
  readonly sysctl: string;
  /** seconds, as the kernel has it by itself (nf_conntrack_proto_tcp.c and _udp.c, Linux 6.1) */
  readonly byItself: number;
}

function tcp(state: string, byItself: number): ConntrackTimeout {
  return { sysctl: `nf_conntrack_tcp_timeout_${state}`, byItself };
}

/** Every timeout that a scenario may set, by the name it has there. */
export const CONNTRACK_TIMEOUTS = {
  'syn-sent': tcp('syn_sent', 120),
  'syn-recv': tcp('syn_recv', 60),
  established: tcp('established', 432_000),
  'fin-wait': tcp('fin_wait', 120),
  'close-wait': tcp('close_wait', 60),
  'last-ack': tcp('last_ack', 30),
  'time-wait': tcp('time_wait', 120),
  close: tcp('close', 10),
  // Three retransmissions without an answer, and data that nobody acknowledged, shorten a longer timeout.
  'max-retrans': tcp('max_retrans', 300),
  unacknowledged: tcp('unacknowledged', 300),
  udp: { sysctl: 'nf_conntrack_udp_timeout', byItself: 30 },
  'udp-stream': { sysctl: 'nf_conntrack_udp_timeout_stream', byItself: 120 },
} as const satisfies Readonly<Record<string, ConntrackTimeout>>;

export type TimeoutName = keyof typeof CONNTRACK_TIMEOUTS;
export const TIMEOUT_NAMES = Object.keys(CONNTRACK_TIMEOUTS) as readonly TimeoutName[];

/** Seconds, by name; what is left out is as it was. */
export type Timeouts = Readonly<Partial<Record<TimeoutName, number>>>;

/** Settings below /proc/sys that make these timeouts. Whole seconds: the kernel takes nothing finer. */
export function timeoutSysctls(timeouts: Timeouts): Readonly<Record<string, string>> {
  return Object.fromEntries(
    TIMEOUT_NAMES.flatMap((name) => {
      const seconds = timeouts[name];
      return seconds === undefined
        ? []
        : [[`net/netfilter/${CONNTRACK_TIMEOUTS[name].sysctl}`, String(seconds)]];
    }),
  );
}
