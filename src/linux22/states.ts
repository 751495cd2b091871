import { ACK, FIN, RST, SYN } from './packet';

/** States of a masquerade entry, by the kernel's names (ip_masq.c, state_name_table). */
export const STATES = [
  'NONE',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'UDP',
  'ICMP',
] as const;
export type State = (typeof STATES)[number];

export type Timeouts = Record<State, number>;

/** Seconds an entry lives after its last packet, by its state (ip_masq.c, masq_timeout_table). */
export function defaultTimeouts(): Timeouts {
  return {
    NONE: 30 * 60,
    ESTABLISHED: 15 * 60,
    SYN_SENT: 2 * 60,
    SYN_RECV: 60,
    FIN_WAIT: 2 * 60,
    TIME_WAIT: 2 * 60,
    CLOSE: 10,
    CLOSE_WAIT: 60,
    LAST_ACK: 30,
    LISTEN: 2 * 60,
    UDP: 5 * 60,
    ICMP: 60,
  };
}

type TcpState = Exclude<State, 'UDP' | 'ICMP'>;
type Transition = Readonly<Record<TcpState, TcpState>>;

/** One row of the kernel's table: where each state leads, written only where it leads elsewhere. */
function row(all: TcpState | null, others: Partial<Transition>): Transition {
  const at = (state: TcpState): TcpState => others[state] ?? all ?? state;
  return {
    NONE: at('NONE'),
    ESTABLISHED: at('ESTABLISHED'),
    SYN_SENT: at('SYN_SENT'),
    SYN_RECV: at('SYN_RECV'),
    FIN_WAIT: at('FIN_WAIT'),
    TIME_WAIT: at('TIME_WAIT'),
    CLOSE: at('CLOSE'),
    CLOSE_WAIT: at('CLOSE_WAIT'),
    LAST_ACK: at('LAST_ACK'),
    LISTEN: at('LISTEN'),
  };
}

interface Transitions {
  readonly syn: Transition;
  readonly fin: Transition;
  readonly ack: Transition;
  readonly rst: Transition;
}

/** Which state follows (ip_masq.c, masq_tcp_states): `input` for packets demasqueraded, `output` for those masqueraded. */
export const TCP_TRANSITIONS: Readonly<Record<'input' | 'output', Transitions>> = {
  input: {
    syn: row('SYN_RECV', { ESTABLISHED: 'ESTABLISHED', SYN_SENT: 'ESTABLISHED' }),
    fin: row(null, {
      NONE: 'CLOSE',
      ESTABLISHED: 'CLOSE_WAIT',
      SYN_RECV: 'TIME_WAIT',
      FIN_WAIT: 'TIME_WAIT',
    }),
    ack: row(null, { NONE: 'CLOSE', LAST_ACK: 'CLOSE' }),
    rst: row('CLOSE', { SYN_RECV: 'SYN_RECV', LAST_ACK: 'LAST_ACK', LISTEN: 'LISTEN' }),
  },
  output: {
    syn: row('SYN_SENT', { ESTABLISHED: 'ESTABLISHED', SYN_RECV: 'ESTABLISHED', LISTEN: 'LISTEN' }),
    fin: row(null, {
      NONE: 'TIME_WAIT',
      ESTABLISHED: 'FIN_WAIT',
      SYN_RECV: 'TIME_WAIT',
      CLOSE_WAIT: 'TIME_WAIT',
    }),
    ack: row(null, { NONE: 'ESTABLISHED', LISTEN: 'ESTABLISHED' }),
    rst: row('CLOSE', { SYN_SENT: 'SYN_SENT', TIME_WAIT: 'TIME_WAIT' }),
  },
};

/**
 * The state after a TCP packet (ip_masq.c, masq_tcp_state and masq_tcp_state_idx): RST counts before SYN,
 * SYN before FIN, FIN before ACK; a packet with none of them closes.
 */
export function nextTcpState(state: State, direction: 'input' | 'output', flags: number): State {
  if (state === 'UDP' || state === 'ICMP') return state;
  const transitions = TCP_TRANSITIONS[direction];
  if ((flags & RST) !== 0) return transitions.rst[state];
  if ((flags & SYN) !== 0) return transitions.syn[state];
  if ((flags & FIN) !== 0) return transitions.fin[state];
  if ((flags & ACK) !== 0) return transitions.ack[state];
  return 'CLOSE';
}
