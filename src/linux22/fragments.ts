import type { Packet } from './packet';

/** Seconds until the rest of a packet is given up (net/ip.h, IP_FRAG_TIME). */
const LIFETIME = 30;
/** Packets whose fragments are on their way; more push out the oldest. */
const MOST = 1024;

/**
 * Which address the later fragments of a packet get: only the first has the ports by which an entry is found.
 *
 * A kernel that masquerades puts packets together before it looks at them (ip_always_defrag); what goes out
 * is the same, as long as first fragments come first. Later ones that come before theirs are dropped.
 */
export class Fragments {
  readonly #addresses = new Map<string, { readonly address: number; readonly until: number }>();

  /** To be called before the packet's addresses are changed. */
  keyOf(packet: Packet): string {
    return `${packet.source} ${packet.destination} ${packet.protocol} ${packet.identification}`;
  }

  remember(key: string, address: number, now: number): void {
    this.#addresses.delete(key);
    this.#addresses.set(key, { address, until: now + LIFETIME });
    if (this.#addresses.size <= MOST) return;
    for (const oldest of this.#addresses.keys()) {
      this.#addresses.delete(oldest);
      return;
    }
  }

  /** null: the first fragment has not been seen, or too long ago */
  addressFor(packet: Packet, now: number): number | null {
    const found = this.#addresses.get(this.keyOf(packet));
    return found && now < found.until ? found.address : null;
  }
}
