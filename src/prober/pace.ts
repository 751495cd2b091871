/**
 * How many packets may leave by now: a token bucket (RFC 2697 calls its depth the burst size). Time is
 * passed in, so it is the same at every run.
 */
export class Pace {
  private tokens = 0;
  private last: number | null = null;

  /**
   * Over any time, at most `perSecond` × its seconds + `burst` packets leave.
   *
   * @param perSecond packets a second
   * @param burst packets that may leave at once, however long nothing has left
   */
  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {}

  /** Whole packets that may leave. @param seconds now, on a clock that does not go back */
  allowance(seconds: number): number {
    const passed = this.last === null ? 0 : seconds - this.last;
    this.last = seconds;
    this.tokens = Math.min(this.burst, this.tokens + passed * this.perSecond);
    return Math.floor(this.tokens);
  }

  /** Counts one that has left. */
  spend(): void {
    this.tokens -= 1;
  }
}
