/** Wall-clock time in seconds since the Unix epoch, with microseconds: the clock tcpdump and conntrack stamp with. */
export function now(): number {
  return (performance.timeOrigin + performance.now()) / 1000;
}
