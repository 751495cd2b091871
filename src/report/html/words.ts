import type { LabEvent } from '../../observe/event';

/** What people call each kind of event; a kind that is not here goes by its own name. */
const KINDS: Readonly<Record<string, string>> = {
  'ftp-line': 'FTP line',
  control: 'control connection',
  packet: 'packet',
  flow: 'bulk packets',
  conntrack: 'connection table',
  rule: 'rule counter',
  data: 'data connection',
  file: 'file',
  name: 'name look-up',
  probe: 'probe',
  'probe-reply': 'reply to a probe',
  trace: 'way through the rules',
  timeouts: 'change of timeouts',
  log: 'log line',
  step: 'step',
} satisfies Record<LabEvent['kind'], string>;

/** What people call a kind of event. */
export function kindName(kind: string): string {
  return Object.hasOwn(KINDS, kind) ? (KINDS[kind] ?? kind) : kind;
}

/** 1234567 → "1,234,567". */
export function count(amount: number): string {
  return amount.toLocaleString('en');
}

/** "1 packet", "2 packets". */
export function counted(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}

/** Seconds since the run began, to the millisecond: one more digit says nothing to a reader. */
export function clock(at: number): string {
  return at.toFixed(3);
}
