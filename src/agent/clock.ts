/** Nanoseconds within which both clocks must have been read for an anchor to do. */
const CLOSE_ENOUGH = 20_000n;
const ATTEMPTS = 20;
/** The wall clock may be slewed while a long session runs; captures follow it, so must this. */
const ANCHOR_LASTS = 30_000_000_000n;

let anchor: { readonly wall: number; readonly monotonic: bigint } | undefined;

/**
 * Wall-clock time in seconds since the Unix epoch, with microseconds: the clock tcpdump and conntrack
 * stamp with.
 *
 * Node has no such clock: Date.now() has milliseconds, and performance.timeOrigin is off by as long as
 * a process was kept waiting while it started, tens of milliseconds on a loaded machine. So the
 * monotonic clock, which all processes share, is anchored to the moment Date.now() ticks over.
 */
export function now(): number {
  const monotonic = process.hrtime.bigint();
  if (!anchor || monotonic - anchor.monotonic > ANCHOR_LASTS) anchor = findAnchor();
  return anchor.wall + Number(process.hrtime.bigint() - anchor.monotonic) / 1e9;
}

/** Waits, under a millisecond, for the wall clock's next tick; tries again when it was interrupted. */
function findAnchor(): { wall: number; monotonic: bigint } {
  let best = { wall: 0, monotonic: 0n, width: 1n << 62n };
  for (let attempt = 0; attempt < ATTEMPTS && best.width > CLOSE_ENOUGH; attempt += 1) {
    const start = Date.now();
    let before = process.hrtime.bigint();
    let tick = Date.now();
    let after = process.hrtime.bigint();
    while (tick === start) {
      before = after;
      tick = Date.now();
      after = process.hrtime.bigint();
    }
    if (after - before < best.width) best = { wall: tick / 1000, monotonic: after, width: after - before };
  }
  return best;
}
