import { printAddress } from './addresses';
import type { End, Entry } from './entry';
import type { MasqueradeTable } from './masquerade-table';
import { TCP, type Packet } from './packet';

/** Ports that can be forwarded (ip_masq_portfw.c): those above are masquerading's own. */
export const FORWARDABLE = { first: 1, last: 60_999 } as const;

/** One line of `ipmasqadm portfw -l`; addresses as numbers. */
export interface PortForward {
  readonly protocol: number;
  readonly localAddress: number;
  readonly localPort: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  /** connections it still takes before the next one with the same local end has its turn, and their number */
  countdown: number;
  preference: number;
}

/** A forward as it is told to others. */
export interface ForwardView {
  readonly protocol: 'tcp' | 'udp';
  /** the firewall's end */
  readonly local: End;
  /** the host behind */
  readonly remote: End;
  readonly preference: number;
}

export function viewOfForward(forward: PortForward): ForwardView {
  const { protocol, localAddress, localPort, remoteAddress, remotePort, preference } = forward;
  return {
    protocol: protocol === TCP ? 'tcp' : 'udp',
    local: { address: printAddress(localAddress), port: localPort },
    remote: { address: printAddress(remoteAddress), port: remotePort },
    preference,
  };
}

type Wanted = Pick<PortForward, 'protocol' | 'localPort'> &
  Partial<Pick<PortForward, 'localAddress' | 'remoteAddress' | 'remotePort'>>;

/** Port forwarding: `ipmasqadm portfw`, module ip_masq_portfw. NetMAX called it Traffic Rerouting. */
export class PortForwards {
  #list: PortForward[] = [];

  get size(): number {
    return this.#list.length;
  }

  /** UDP's before TCP's, the latest first, as /proc/net/ip_masq/portfw lists them. */
  all(): readonly PortForward[] {
    return [...this.#list].sort((one, other) => other.protocol - one.protocol);
  }

  /** Adds one in front; one that is there already gets another preference (ip_portfw_add). */
  add(forward: Omit<PortForward, 'countdown'>): void {
    const same = this.#list.filter((one) => matches(one, forward));
    for (const one of same) {
      one.preference = forward.preference;
      one.countdown = forward.preference;
    }
    if (same.length === 0) this.#list.unshift({ ...forward, countdown: forward.preference });
  }

  /** Takes away all that match; what is not said matches anything (ip_portfw_del). @returns how many */
  delete(wanted: Wanted): number {
    const before = this.#list.length;
    this.#list = this.#list.filter((one) => !matches(one, wanted));
    return before - this.#list.length;
  }

  flush(): void {
    this.#list = [];
  }

  find(protocol: number, address: number, port: number): PortForward | null {
    for (const one of this.#list) {
      if (one.localPort === port && one.localAddress === address && one.protocol === protocol) return one;
    }
    return null;
  }

  /**
   * The entry for a packet from the world to a forwarded port; null: it is not forwarded, or there is no room
   * (portfw_in_create). Any packet makes one, a SYN or not: after its entry has expired, the client's next
   * packet makes it anew.
   *
   * With a single port forwarded the kernel leaves the entry in state NONE and not in LISTEN, because it
   * counts `mmod_nent <= 1` as none: a SYN makes no difference, but an ACK leads to CLOSE and its 10 seconds.
   */
  entryFor(packet: Packet, table: MasqueradeTable, now: number): Entry | null {
    const forward = this.find(packet.protocol, packet.destination, packet.destinationPort);
    if (!forward) return null;
    const entry = table.create(
      {
        protocol: packet.protocol,
        outsideAddress: packet.destination,
        outsidePort: packet.destinationPort,
        insideAddress: forward.remoteAddress,
        insidePort: forward.remotePort,
        remoteAddress: packet.source,
        remotePort: packet.sourcePort,
      },
      now,
    );
    if (!entry || this.#list.length <= 1) return entry;
    entry.state = 'LISTEN';
    forward.countdown -= 1;
    if (forward.countdown === 0) {
      forward.countdown = forward.preference;
      this.#list = [...this.#list.filter((one) => one !== forward), forward];
    }
    return entry;
  }
}

function matches(one: PortForward, wanted: Wanted): boolean {
  return (
    one.protocol === wanted.protocol &&
    one.localPort === wanted.localPort &&
    (wanted.localAddress ?? one.localAddress) === one.localAddress &&
    (wanted.remoteAddress ?? one.remoteAddress) === one.remoteAddress &&
    (wanted.remotePort ?? one.remotePort) === one.remotePort
  );
}
