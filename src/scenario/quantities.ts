/** "1 MiB", "20KiB", "512 B". */
export const SIZE = /^(\d+(?:\.\d+)?)\s?(B|KiB|MiB|GiB)$/;
/** "20 s", "15m", "500 ms", "2 h". */
export const DURATION = /^(\d+(?:\.\d+)?)\s?(ms|s|m|h)$/;

const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Bytes of a text that matches SIZE. */
export function bytesOf(text: string): number {
  const [, amount = '', unit = ''] = SIZE.exec(text) ?? [];
  return Math.round(Number(amount) * (BYTES[unit] ?? Number.NaN));
}

/** Seconds of a text that matches DURATION. */
export function secondsOf(text: string): number {
  const [, amount = '', unit = ''] = DURATION.exec(text) ?? [];
  return Number(amount) * (SECONDS[unit] ?? Number.NaN);
}
