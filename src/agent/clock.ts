import { readFileSync } from 'node:fs';

/** Nanoseconds within which both clocks must have been read for an anchor to do. */
const CLOSE_ENOUGH = 20_000n;
const ATTEMPTS = 20;
/** The timewarp engine's machine, where nobody slews a clock, and computing takes no time. */
const IS_VIRTUAL = process.env['LAB_VIRTUAL_TIME'] !== undefined;
/** The wall clock may be slewed while a long session runs; captures follow it, so must this. */
const ANCHOR_LASTS = IS_VIRTUAL ? 1n << 62n : 30_000_000_000n;

let anchor: { readonly wall: number; readonly monotonic: bigint } | undefined;

/**
 * Wall-clock time in seconds since the Unix epoch, with microseconds: the clock tcpdump and conntrack
 * stamp with.
 *
 * Node has no such clock: Date.now() has milliseconds, and performance.timeOrigin is off by as long as
 * a process was kept waiting while it started, tens of milliseconds on a loaded machine. So the
 * monotonic clock, which all processes share, is anchored to the moment Date.now() ticks over. Where time
 * is virtual that moment would be long in coming, and be jumped over: there the kernel is asked.
 */
export function now(): number {
  const monotonic = process.hrtime.bigint();
  if (!anchor || monotonic - anchor.monotonic > ANCHOR_LASTS)
    anchor = IS_VIRTUAL ? toldAnchor() : findAnchor();
  return anchor.wall + Number(process.hrtime.bigint() - anchor.monotonic) / 1e9;
}

/**
 * By the kernel's own word: /proc/timer_list tells how far its wall clock is ahead of the monotonic one. Root alone
 * may read that, and it holds only while nobody slews the clock.
 */
function toldAnchor(): { wall: number; monotonic: bigint } {
  const offset = /ktime_get_real\s+\.offset:\s+(\d+) nsecs/.exec(
    readFileSync('/proc/timer_list', 'utf8'),
  )?.[1];
  if (offset === undefined) throw new Error('/proc/timer_list does not tell the wall clock’s offset');
  const monotonic = process.hrtime.bigint();
  return { wall: Number(monotonic + BigInt(offset)) / 1e9, monotonic };
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
