import type { EntryView, End } from './entry';
import type { ChainHit } from './chains';
import type { EntryChange } from './masquerade-table';

/** Why a packet was dropped although no rule said so. */
export type Refusal =
  | 'truncated'
  | 'not IPv4'
  | 'bad header length'
  | 'bad length'
  | 'bad checksum'
  | 'malformed IP options'
  | 'source route'
  /** from or to an address that no router passes on */
  | 'martian address'
  /** with rp_filter: its source is reached through the other side */
  | 'source on the other side'
  /** it is for others, and ip_forward is 0 */
  | 'forwarding is off'
  /** it would leave where it came from, or its destination is on neither side */
  | 'no way'
  /** its transport header does not fit, or its checksum is wrong where an entry would be made of it */
  | 'bad transport header'
  | 'bad transport checksum'
  /** to be masqueraded, but of a protocol, or an ICMP message, that cannot be */
  | 'cannot be masqueraded'
  /** a fragment that is to be masqueraded, while nothing else is: only then are fragments not put together */
  | 'stray fragment'
  /** no free port, or no room in the table */
  | 'table full'
  /** of a control connection: what came before it is still missing */
  | 'ahead of a gap';

/** What a packet said of itself when it matched a rule. */
export interface PacketSummary {
  readonly protocol: number;
  readonly source: End;
  readonly destination: End;
  /** bytes, with the IP header */
  readonly length: number;
}

/** What happens in the firewall. `at` is in seconds, on the clock that is given from outside. */
export type Event22 =
  /** the masquerade table changed; `entry` is as it was then */
  | {
      readonly kind: 'masquerade';
      readonly at: number;
      readonly change: EntryChange;
      readonly entry: EntryView;
      /** seconds its timer had still to run before this; null for a new one */
      readonly left: number | null;
    }
  /** ip_masq_ftp made an entry for a data connection to come; a `masquerade` event with `new` stands before it */
  | {
      readonly kind: 'data-expected';
      readonly at: number;
      /** what it was read from */
      readonly from: 'PORT' | '227';
      readonly entry: EntryView;
      readonly control: EntryView;
    }
  /** ip_masq_ftp changed the address and port in a PORT, or in a forwarded server's 227 */
  | {
      readonly kind: 'rewritten';
      readonly at: number;
      readonly command: 'PORT' | '227';
      readonly before: End;
      readonly after: End;
      /** bytes the packet grew by; negative: it shrank */
      readonly grown: number;
      readonly control: EntryView;
    }
  /** ip_masq_ftp left a PORT as it is: the port is one it must not open (from 2.2.15) */
  | { readonly kind: 'port-refused'; readonly at: number; readonly asked: End; readonly control: EntryView }
  /** a rule or a policy (rule 0) matched; only when hits were asked for */
  | ({ readonly kind: 'rule-hit'; readonly at: number; readonly packet: PacketSummary } & ChainHit)
  /** a rule with `-l` matched: the line of the kernel's log */
  | { readonly kind: 'log'; readonly at: number; readonly line: string }
  /** a packet was dropped by no rule; `count` is how many have been for that reason */
  | { readonly kind: 'refused'; readonly at: number; readonly reason: Refusal; readonly count: number };

export type Listener22 = (event: Event22) => void;
