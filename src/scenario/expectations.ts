/**
 * The sentences scenarios may use under `expect:` and `claims:`. `T` stands for a transfer. What each
 * needs to be seen is in `verdict/checks`, under the same name.
 */
export const CHECKS = {
  complete: 'T is complete',
  'ends-with-226': 'T ends with reply 226',
  blocked: 'T is blocked',
  'port-unchanged': 'the PORT of T arrives outside unchanged',
  'port-rewritten': 'the PORT of T arrives outside rewritten',
  'expectation-made': 'the firewall expects the data connection of T',
  'client-dials': 'the client dials the data connection of T',
  'server-dials': 'the server dials the data connection of T',
  'server-dials-from-20': 'the server dials the data connection of T from port 20',
  'client-listens-first': 'the client listens before it requests T',
  'passive-port-not-20': 'the server names a data port other than 20 for T',
  'own-data-connection': 'each transfer has its own data connection',
  'control-high-to-21': 'the control connection runs from a high port to port 21',
  'dialogue-on-control': 'all commands and replies travel on the control connection',
  'control-survives': 'the control connection survives',
  'server-sees-firewall': "the server sees only the firewall's address",
  'server-sees-client': "the server sees the client's own address",
} as const;

export type CheckName = keyof typeof CHECKS;

/** Longest first, so that a sentence's ending is not taken for the end of a transfer's name. */
const TEMPLATES = (Object.entries(CHECKS) as [CheckName, string][]).sort(
  ([, a], [, b]) => b.length - a.length,
);

/** A sentence understood: which check, of which transfer. */
export interface Expectation {
  readonly text: string;
  readonly check: CheckName;
  /** name of the transfer; null when the check is of the whole session */
  readonly transfer: string | null;
}

interface Named {
  readonly name: string;
  readonly mode: string;
  readonly direction: string;
}

/**
 * Understands one sentence.
 *
 * @throws an Error that says what is allowed
 */
export function parseExpectation(text: string, transfers: readonly Named[]): Expectation {
  for (const [check, template] of TEMPLATES) {
    const parts = template.split(/\bT\b/);
    const pattern = new RegExp(`^${parts.map(escapePattern).join('(?:the )?(.+?)')}$`, 'i');
    const match = pattern.exec(text.trim());
    if (!match) continue;
    if (parts.length === 1) return { text, check, transfer: null };
    const reference = match[1] ?? '';
    return { text, check, transfer: resolveTransfer(reference, transfers) };
  }
  const known = Object.values(CHECKS).map((template) => `\n    ${template}`);
  throw new Error(`not a sentence the lab can check; T being a transfer, it knows:${known.join('')}`);
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** A transfer may be named by its name, by "passive download", or by "download" where that is one only. */
function resolveTransfer(reference: string, transfers: readonly Named[]): string {
  const wanted = reference.toLowerCase();
  const names = (transfer: Named): string[] => [
    transfer.name.toLowerCase(),
    `${transfer.mode} ${transfer.direction}`,
    transfer.direction,
  ];
  const exact = transfers.filter((transfer) => transfer.name.toLowerCase() === wanted);
  const found = exact.length > 0 ? exact : transfers.filter((t) => names(t).includes(wanted));
  const [first] = found;
  const known = transfers.map((transfer) => `"${transfer.name}"`).join(', ');
  if (!first) throw new Error(`no transfer "${reference}" in the session; there is ${known}`);
  if (found.length > 1) throw new Error(`"${reference}" is more than one transfer: ${known}`);
  return first.name;
}
