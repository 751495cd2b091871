import { parsePorts } from '../firewall/quantities';
import type { PortRange } from '../firewall/kinds';
import { knowCause, type CauseCode } from './cause-codes';

/**
 * The sentences scenarios may use under `expect:` and `claims:`. `T` stands for a transfer, `P` for a
 * probe, `N` for a number, `SECONDS` for some of the scenario's time, `PORTS` for a list of ports, `CAUSE` for the code of a diagnosis. What each
 * needs to be seen is in `verdict/`, under the same name.
 */
export const CHECKS = {
  complete: 'T is complete',
  'ends-with-226': 'T ends with reply 226',
  blocked: 'T is blocked',
  'blocked-as': 'T is blocked as CAUSE',
  'diagnosed-as': 'T is diagnosed as CAUSE',
  'blocked-by-row': 'T is blocked by row N',
  'blocked-by-policy': 'T is blocked by the policy',
  'port-unchanged': 'the PORT of T arrives outside unchanged',
  'port-rewritten': 'the PORT of T arrives outside rewritten',
  'port-names-own-port': "the PORT of T names a port other than the control connection's",
  'pasv-reply-rewritten': "the reply to T's PASV arrives outside rewritten",
  'expectation-made': 'the firewall expects the data connection of T',
  'expectation-not-made': 'the firewall does not expect the data connection of T',
  'client-dials': 'the client dials the data connection of T',
  'server-dials': 'the server dials the data connection of T',
  'server-dials-from-20': 'the server dials the data connection of T from port 20',
  'server-dials-control-port': 'the server dials the port the control connection of T comes from',
  'data-from-firewall-20': "the data connection of T reaches the client from the firewall's port 20",
  'client-listens-first': 'the client listens before it requests T',
  'passive-port-not-20': 'the server names a data port other than 20 for T',
  'own-data-connection': 'each transfer has its own data connection',
  'control-high-to-21': 'the control connection runs from a high port to port 21',
  'no-control': 'no control connection is made',
  'control-helped': 'the control connection carries the helper',
  'control-not-helped': 'the control connection carries no helper',
  'data-helped': 'the data connection of T carries the helper',
  'data-not-helped': 'the data connection of T carries no helper',
  'control-silent': 'no packet crosses the control connection while T moves',
  'control-busy': 'a packet crosses the control connection while T moves',
  'hash-marks': 'the client prints hash marks during T',
  'dialogue-on-control': 'all commands and replies travel on the control connection',
  'control-survives': 'the control connection survives',
  'control-expires': 'the control connection expires',
  'control-expires-after': 'the control connection expires SECONDS s after its last packet',
  'control-timeout': "the control connection's entry has a timeout of SECONDS s",
  'control-left-at-least': "the control connection's entry always has SECONDS s left",
  'control-kept': 'the entry of the control connection is kept for its data connection',
  'udp-timeout': 'a UDP entry has a timeout of SECONDS s',
  'data-fin-timeout': 'the data connection of T has SECONDS s left after a FIN',
  'client-speaks-first': 'the client is the first to speak after the control connection has expired',
  'server-speaks-first': 'the server is the first to speak after the control connection has expired',
  'entry-made-anew': 'the control connection gets a new entry',
  'firewall-resets': 'the firewall answers it with RST',
  'firewall-silent': 'the firewall does not answer it',
  'leaves-untranslated': 'a packet of the control connection leaves the firewall untranslated',
  'nothing-untranslated': 'no packet of the control connection leaves the firewall untranslated',
  'reply-repeated': 'the server sends the final reply of T again and again',
  'cut-short': 'T is cut short',
  'no-final-reply': 'the final reply of T never reaches the client',
  'client-takes-for-failed': 'the client takes T for failed',
  'server-sees-firewall': "the server sees only the firewall's address",
  'server-sees-client': "the server sees the client's own address",
  'name-resolved': 'the name is resolved',
  'name-not-resolved': 'the name is not resolved',
  'row-counts': 'row N counts packets',
  'row-counts-none': 'row N counts no packet',
  'probe-nowhere': 'P arrives nowhere',
  'probe-everywhere': 'P arrives everywhere',
  'probe-only-at': 'P arrives only at PORTS',
  'probe-somewhere': 'P arrives somewhere',
  'probe-from-nowhere': 'P from port N arrives nowhere',
  'probe-from-everywhere': 'P from port N arrives everywhere',
  'probe-from-only-at': 'P from port N arrives only at PORTS',
} as const;

export type CheckName = keyof typeof CHECKS;

const PATTERNS: Readonly<Record<string, string>> = {
  T: '(?:the )?(?<transfer>.+?)',
  P: '(?:the )?(?<probe>.+?)',
  N: '(?<number>\\d{1,5})',
  SECONDS: '(?<number>\\d{1,7})',
  PORTS: '(?<ports>[\\d, -]+)',
  CAUSE: '(?<cause>[a-z0-9-]+)',
};

/** Longest first, so that a sentence's ending is not taken for the end of a transfer's name. */
const TEMPLATES = (Object.entries(CHECKS) as [CheckName, string][])
  .sort(([, a], [, b]) => b.length - a.length)
  .map(([check, template]) => {
    const pattern = template
      .split(/\b(T|P|N|SECONDS|PORTS|CAUSE)\b/)
      .map((part, index) => (index % 2 === 1 ? (PATTERNS[part] ?? '') : escapePattern(part)))
      .join('');
    return { check, pattern: new RegExp(`^${pattern}$`, 'i') };
  });

/** A sentence understood: which check, of what. */
export interface Expectation {
  readonly text: string;
  readonly check: CheckName;
  /** name of the transfer; null when the check is of none */
  readonly transfer: string | null;
  /** name of the probe; null when the check is of none */
  readonly probe: string | null;
  /** a row, a source port, or seconds; null without */
  readonly number: number | null;
  readonly ports: readonly PortRange[];
  /** code of a diagnosis; null without */
  readonly cause: CauseCode | null;
}

/** What sentences can speak of. */
export interface Subjects {
  readonly transfers: readonly { readonly name: string; readonly mode: string; readonly direction: string }[];
  readonly probes: readonly { readonly name: string }[];
  /** how many rules the firewall has; null: nobody knows yet */
  readonly rows: number | null;
}

/**
 * Understands one sentence.
 *
 * @throws an Error that says what is allowed
 */
export function parseExpectation(text: string, subjects: Subjects): Expectation {
  for (const { check, pattern } of TEMPLATES) {
    const found = pattern.exec(text.trim());
    if (!found) continue;
    const { transfer, probe, number, ports, cause } = found.groups ?? {};
    if (check.startsWith('row-') || check === 'blocked-by-row') knowRow(Number(number), subjects.rows);
    return {
      text,
      check,
      transfer: transfer === undefined ? null : resolveTransfer(transfer, subjects.transfers),
      probe: probe === undefined ? null : resolveProbe(probe, subjects.probes),
      number: number === undefined ? null : Number(number),
      ports: (ports?.split(',') ?? []).map((part) => parsePorts(part.replaceAll(' ', ''), '-')),
      cause: cause === undefined ? null : knowCause(cause),
    };
  }
  const known = Object.values(CHECKS).map((template) => `\n    ${template}`);
  throw new Error(
    `not a sentence the lab can check; T being a transfer and P a probe, it knows:${known.join('')}`,
  );
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function knowRow(row: number, rows: number | null): void {
  if (row >= 1 && (rows === null || row <= rows)) return;
  throw new Error(
    `there is no row ${row}; ${rows === 0 ? 'the firewall has no rules' : `allowed: 1 to ${rows}`}`,
  );
}

/** A transfer may be named by its name, by "passive download", or by "download" where that is one only. */
function resolveTransfer(reference: string, transfers: Subjects['transfers']): string {
  const wanted = reference.toLowerCase();
  const names = (transfer: Subjects['transfers'][number]): string[] => [
    transfer.name.toLowerCase(),
    `${transfer.mode} ${transfer.direction}`,
    transfer.direction,
  ];
  const exact = transfers.filter((transfer) => transfer.name.toLowerCase() === wanted);
  const found = exact.length > 0 ? exact : transfers.filter((t) => names(t).includes(wanted));
  const [first] = found;
  const known = transfers.map((transfer) => `"${transfer.name}"`).join(', ') || 'none';
  if (!first) throw new Error(`no transfer "${reference}" in the session; there is ${known}`);
  if (found.length > 1) throw new Error(`"${reference}" is more than one transfer: ${known}`);
  return first.name;
}

function resolveProbe(reference: string, probes: Subjects['probes']): string {
  const found = probes.find(({ name }) => name.toLowerCase() === reference.toLowerCase());
  const known = probes.map(({ name }) => `"${name}"`).join(', ') || 'none';
  if (!found) throw new Error(`no probe "${reference}" in the session; there is ${known}`);
  return found.name;
}
