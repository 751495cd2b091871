/** "1 MiB", "20KiB", "512 B". */
export const SIZE = /^(\d+(?:\.\d+)?)\s?(B|KiB|MiB|GiB)$/;
/** "20 s", "15m", "500 ms", "2 h". */
export const DURATION = /^(\d+(?:\.\d+)?)\s?(ms|s|m|h)$/;
/** The same, or none at all. */
export const DURATION_OR_OFF = /^(?:off|\d+(?:\.\d+)?\s?(?:ms|s|m|h))$/;

/** "20, 1025, 6000-6010", or a word for a set. */
export const PORT_LIST = /^(?:all|sample|\d{1,5}(?:\s?-\s?\d{1,5})?(?:\s?,\s?\d{1,5}(?:\s?-\s?\d{1,5})?)*)$/;
/** A name for DNS, two labels or more. */
export const HOST_NAME = /^(?=.{1,100}$)[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9][a-z0-9-]{0,62})+$/;

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

/** Seconds as scenarios write them, in the largest unit that shows them whole: "15 min", "2 h", "9.6 s". */
export function secondsText(seconds: number): string {
  const rounded = Math.round(seconds * 1000) / 1000;
  if (rounded >= 3600 && rounded % 3600 === 0) return `${rounded / 3600} h`;
  return rounded >= 120 && rounded % 60 === 0 ? `${rounded / 60} min` : `${rounded} s`;
}

/** Bytes in the largest unit that shows them whole, as scenarios write them: "1 MiB", "1.5 KiB", "220 B". */
export function sizeText(bytes: number): string {
  const unit = ['GiB', 'MiB', 'KiB'].find(
    (name) => bytes >= (BYTES[name] ?? 0) && (bytes * 4) % (BYTES[name] ?? 1) === 0,
  );
  return unit === undefined ? `${bytes} B` : `${bytes / (BYTES[unit] ?? 1)} ${unit}`;
}
