import type { Timeouts } from '../firewall/conntrack';
import type { Loaded } from '../firewall/effect';
import type { PortRange } from '../firewall/kinds';

/** Where something was seen. */
export type VantagePoint =
  | 'client'
  | 'server'
  | 'neighbour'
  | 'prober'
  | 'resolver'
  | 'firewall inside'
  | 'firewall outside'
  | 'conntrack'
  | 'rules'
  | 'trace'
  | 'lab';

interface Seen {
  readonly id: string;
  /** seconds since the run began */
  readonly at: number;
  readonly vantage: VantagePoint;
  /** the event in words, for people; safe to print only after escaping */
  readonly text: string;
}

/** A line of the control connection, as one end saw it. */
export interface LineEvent extends Seen {
  readonly kind: 'ftp-line';
  readonly direction: 'command' | 'reply';
  readonly line: string;
  /** the other end of the control connection, as this end sees it */
  readonly peer: string;
}

/** A control connection opened or closed at one end. */
export interface ControlEvent extends Seen {
  readonly kind: 'control';
  readonly change: 'opened' | 'closed';
  readonly peer: string;
}

/** A packet on one leg of the firewall. Bulk data and bare acknowledgements are summed up in FlowEvents. */
export interface PacketEvent extends Seen {
  readonly kind: 'packet';
  readonly leg: Leg;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'other';
  /** of SFRPAU, those set */
  readonly flags: string;
  readonly sequence: number;
  /** of the IP header; results of before 2026-12-01 have none */
  readonly identification?: number;
  /** bytes of payload on the wire */
  readonly length: number;
  /** start of the payload, one character a byte; empty for data connections */
  readonly payload: string;
}

/** The packets of one direction of a connection that have no event of their own. */
export interface FlowEvent extends Seen {
  readonly kind: 'flow';
  readonly leg: Leg;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly packets: number;
  readonly bytes: number;
  /** seconds since the run began */
  readonly until: number;
  /** when each passed, seconds since the run began; null or left out where there are too many to tell */
  readonly times?: readonly number[] | null;
}

/** A change in the firewall's connection table. */
export interface ConntrackEvent extends Seen {
  readonly kind: 'conntrack';
  /** refresh: a packet made its timer run anew, and nothing else changed; not every firewall tells of that */
  readonly change: 'new' | 'update' | 'refresh' | 'destroy' | 'expect-new' | 'expect-destroy';
  readonly protocol: string;
  readonly state: string;
  /** seconds of the run until the entry expires, as of this event; null where it does not say */
  readonly timeout?: number | null;
  /** as the initiator sent it */
  readonly original: Tuple;
  /** as replies arrive; null for an expectation */
  readonly reply: Tuple | null;
  /** the control connection of an expectation */
  readonly master: Tuple | null;
  readonly helper: string | null;
}

export interface Tuple {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** A rule's counter at the end of the run; every counter starts at zero. */
export interface RuleEvent extends Seen {
  readonly kind: 'rule';
  /** number of the row; "policy" for what no row matched */
  readonly row: number | 'policy';
  readonly rule: string;
  /** whether a packet it counts goes no further */
  readonly stops: boolean;
  readonly packets: number;
  readonly bytes: number;
}

/** A packet's headers, as the kernel's trace shows them in one chain. */
export interface TracedHeaders {
  readonly source: string;
  /** as in PacketEvent: 0 without ports; for ICMP the type */
  readonly sourcePort: number;
  readonly destination: string;
  /** as in PacketEvent: 0 without ports; for ICMP the code */
  readonly destinationPort: number;
  readonly protocol: PacketEvent['protocol'];
  /** of SFRPAU, those set */
  readonly flags: string;
  /** the interface it came by; null: the firewall sends it, or it is not told here */
  readonly in: string | null;
  /** the interface it leaves by; null before that is decided, and for what is the firewall's own */
  readonly out: string | null;
  /** of the IP header */
  readonly identification: number;
  /** bytes of the whole IP packet */
  readonly totalLength: number;
}

/** A rule that matched a packet, or what a chain did with a packet that no rule decided on. */
export interface TraceStep {
  /** e.g. `ip office forward` */
  readonly chain: string;
  /** the kernel's number of the rule in its table; null: the chain's policy, or its end */
  readonly handle: number | null;
  /** which row of the ruleset that is; null where that is not known, and for rules that are no row */
  readonly row: number | 'policy' | null;
  /** as nft prints it, e.g. `accept`, `continue`, `jump rules` */
  readonly verdict: string;
  /** the headers in this chain; null: as in the step before */
  readonly packet: TracedHeaders | null;
}

/**
 * What the rules did to a traced packet.
 *
 * - `dropped`: the last of its steps did away with it
 * - `passed`: no rule and no policy stopped it. Whether it left the firewall, the captures tell: a helper, connection
 *   tracking and routing do away with packets, too
 * - `unknown`: the trace is incomplete, or the packet was handed to something that does not tell
 */
export type TraceFate = 'dropped' | 'passed' | 'unknown';

/** The way of one packet through the firewall's rules, as the kernel's own trace tells it. */
export interface TraceEvent extends Seen {
  readonly kind: 'trace';
  /** where it was seen first, before any other chain and before connection tracking */
  readonly packet: TracedHeaders;
  /** the event of this packet on the leg it came by, or left by; null: none is known for certain */
  readonly captured: string | null;
  /** in this order; the lab's own chains are left out */
  readonly steps: readonly TraceStep[];
  readonly fate: TraceFate;
}

/** What an end of a data connection did. */
export interface DataEvent extends Seen {
  readonly kind: 'data';
  readonly change: 'listening' | 'dialling' | 'connected' | 'failed' | 'closed';
  readonly local: string | null;
  readonly remote: string | null;
  /** bytes, once closed */
  readonly written: number;
  readonly read: number;
  readonly error: string | null;
}

/** A file measured at one end. */
export interface FileEvent extends Seen {
  readonly kind: 'file';
  readonly file: string;
  readonly role: 'sent' | 'received';
  readonly bytes: number;
  readonly sha256: string;
  readonly whole: boolean;
}

/** The client asked for the server's name, or the resolver was asked for it. */
export interface NameEvent extends Seen {
  readonly kind: 'name';
  readonly name: string;
  /** what the client got; null when it got nothing, and at the resolver */
  readonly address: string | null;
  readonly transport: 'udp' | 'tcp' | null;
  readonly error: string | null;
}

/**
 * Packets of one probe from one source port, as they were sent, or as they were seen on a leg. They
 * are told by a mark and a number that they carry, so translation of addresses does not hide them.
 */
export interface ProbeEvent extends Seen {
  readonly kind: 'probe';
  readonly probe: string;
  /** null: as the prober itself told */
  readonly leg: Leg | null;
  readonly flags: string;
  /** as sent, whatever was translated on the way */
  readonly sourcePort: number;
  readonly ports: readonly PortRange[];
  readonly packets: number;
}

/** Replies to probes, of one kind, on one leg. */
export interface ProbeReplyEvent extends Seen {
  readonly kind: 'probe-reply';
  readonly leg: Leg;
  readonly flags: string;
  readonly source: string;
  readonly destination: string;
  readonly destinationPort: number;
  /** the ports they came from */
  readonly ports: readonly PortRange[];
  readonly packets: number;
}

/** The firewall's timeouts were changed while it ran. */
export interface TimeoutsEvent extends Seen {
  readonly kind: 'timeouts';
  /** seconds of the run, those that were changed */
  readonly timeouts: Timeouts;
}

/** A line of a program's own log. */
export interface LogEvent extends Seen {
  readonly kind: 'log';
  readonly line: string;
}

/** Begin and end of a step of the session. */
export interface StepEvent extends Seen {
  readonly kind: 'step';
  readonly transfer: string | null;
  readonly phase: 'begin' | 'end';
  readonly error: string | null;
}

export type LabEvent =
  | LineEvent
  | ControlEvent
  | PacketEvent
  | FlowEvent
  | ConntrackEvent
  | RuleEvent
  | TraceEvent
  | DataEvent
  | FileEvent
  | NameEvent
  | ProbeEvent
  | ProbeReplyEvent
  | TimeoutsEvent
  | LogEvent
  | StepEvent;

/** An event before it has its place on the common clock: `at` in epoch seconds, no id. */
export type RawEvent = LabEvent extends infer E ? (E extends LabEvent ? Omit<E, 'id'> : never) : never;

export type Leg = 'inside' | 'outside';

/** How complete a capture is. Only a complete one can prove that a packet was not there. */
export interface CaptureRecord {
  readonly leg: Leg;
  readonly file: string;
  readonly packets: number;
  /** packets the interface counted and the capture does not hold */
  readonly lost: number;
}

/** How complete the trace is. Only a complete one can prove that a rule was not met. */
export interface TraceRecord {
  /** why there is none, or none from some time on; null: it reaches from before the first packet to after the last */
  readonly why: string | null;
  /** how often the kernel had messages that nobody took in time; it does not tell how many */
  readonly overflows: number;
  /** packets past the number that is kept */
  readonly untold: number;
  /** lines of a form that is not known */
  readonly unread: number;
}

/** All events of a run on one clock, immutable. */
export interface Observation {
  readonly kernel: string;
  /** epoch seconds of the run's zero */
  readonly startedAt: number;
  /** seconds */
  readonly duration: number;
  readonly events: readonly LabEvent[];
  readonly captures: readonly CaptureRecord[];
  /** conntrack messages the kernel could not deliver to the watcher */
  readonly conntrackLost: number;
  /** the firewall as it was loaded */
  readonly loaded: Loaded;
  /** null or left out: not the kernel's own firewall, or nothing but probes passed it */
  readonly trace?: TraceRecord | null;
}
