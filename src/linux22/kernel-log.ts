/** In seconds: what a message costs, and how much there is at most (net/core/utils.c, net_ratelimit). */
const COST = 5;
const BURST = 50;
/** ip_masq_new complains so often until an entry can be made again, and then no more (n_fails). */
const MOST_COMPLAINTS = 4;

/** What the kernel itself says in the system's log, and how it keeps from saying it too often. */
export class KernelLog {
  readonly #say: (line: string) => void;
  readonly #debugs: () => boolean;
  #tokens = BURST;
  #last = 0;
  #missed = 0;
  #complaints = 0;

  constructor(say: (line: string) => void, debugs: () => boolean) {
    this.#say = say;
    this.#debugs = debugs;
  }

  say(line: string): void {
    this.#say(line);
  }

  /** Says what it does at level 0 when built with CONFIG_IP_MASQ_DEBUG, as distributions did. */
  debug(line: string): void {
    if (this.#debugs()) this.#say(line);
  }

  /** Says what anybody on the network could have it say without end (net/core/utils.c, net_ratelimit). */
  sayRarely(line: string, now: number): void {
    this.#tokens = Math.min(BURST, this.#tokens + now - this.#last);
    this.#last = now;
    if (this.#tokens < COST) {
      this.#missed += 1;
      return;
    }
    this.#tokens -= COST;
    if (this.#missed > 0) this.#say(`NET: ${this.#missed} messages suppressed.`);
    this.#missed = 0;
    this.#say(line);
  }

  /** Says why no entry could be made (ip_masq.c, ip_masq_new). */
  complain(line: string): void {
    this.#complaints += 1;
    if (this.#complaints <= MOST_COMPLAINTS) this.#say(line);
  }

  /** An entry on a port that was handed out has been made. */
  forgive(): void {
    this.#complaints = 0;
  }
}

/** An address as the kernel prints it with %08x: as it lies in memory, which on a PC is back to front (route.c). */
export function rawHex(address: number): string {
  const bytes = [address & 255, (address >>> 8) & 255, (address >>> 16) & 255, address >>> 24];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
