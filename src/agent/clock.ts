/** Nanoseconds within which both clocks must have been read for an anchor to do. */
const CLOSE_ENOUGH = 20_000n;
const ATTEMPTS = 50;
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

/**
 * Waits, under a millisecond, for the wall clock's next tick; tries again when it was interrupted. The tick came
 * after the monotonic clock was read for the last time before the old millisecond was seen, and before it was
 * read after the new one was.
 */
function findAnchor(): { wall: number; monotonic: bigint } {
  let best = { wall: 0, monotonic: 0n, width: 1n << 62n };
  for (let attempt = 0; attempt < ATTEMPTS && best.width > CLOSE_ENOUGH; attempt += 1) {
    let before = process.hrtime.bigint();
    const start = Date.now();
    for (;;) {
      const reading = process.hrtime.bigint();
      const tick = Date.now();
      if (tick === start) {
        before = reading;
        continue;
      }
      const width = process.hrtime.bigint() - before;
      if (width < best.width) best = { wall: tick / 1000, monotonic: before + width / 2n, width };
      break;
    }
  }
  return best;
}
