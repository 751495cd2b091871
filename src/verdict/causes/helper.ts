import type { LoadedRule } from '../../firewall/effect';
import type { LabEvent, LineEvent } from '../../observe/event';
import type { Facts, TransferFacts } from '../facts';
import { attachingRows, controlEntry, controlSyn, helperIsLoaded, isTooEarly, watches } from './attachment';
import { incomplete, proof, type Cause, type Examined } from './cause';
import { whyNot } from '../may-match';
import { lastCount } from './rules';
import { isUnhelped, unhelped, type Unhelped } from './unhelped';

// What a helper at work would have prevented, and why it did not work. Each takes conntrack's entry of the
// control connection: only there it shows whether a helper is attached.

const BARE = 'conntrack’s entry of the control connection, without a helper';

export const CONTROL_ENCRYPTED: Cause = {
  code: 'control-encrypted',
  needs:
    'AUTH TLS and its 234; conntrack’s entry of the control connection, with the helper; what the helper would have prevented',
  scenario: 'nat-helper-tls',
  examine: controlEncrypted,
};

export const HELPER_ON_ANOTHER_PORT: Cause = {
  code: 'helper-on-another-port',
  needs: `a helper attached to ports that the server’s is not among; ${BARE}; what it would have prevented`,
  scenario: 'nat-port-2121',
  examine: onAnotherPort,
};

export const HELPER_TOO_EARLY: Cause = {
  code: 'helper-too-early',
  needs: `a rule that attaches the helper in a chain before conntrack, and its count of packets; ${BARE}; what it would have prevented`,
  scenario: 'nat-helper-too-early',
  examine: tooEarly,
};

export const HELPER_NOT_ATTACHED: Cause = {
  code: 'helper-not-attached',
  needs: `a helper that is loaded and that no rule attaches; ${BARE}; what it would have prevented`,
  scenario: 'netmax-4.01-modprobe-alone',
  examine: notAttached,
};

export const HELPER_NOT_LOADED: Cause = {
  code: 'helper-not-loaded',
  needs: `a row that accepts related connections, and no helper that makes any; ${BARE}; the SYN of the data connection on one leg and never on the other`,
  scenario: 'filter-active',
  examine: notLoaded,
};

/** What the helper would have prevented, where there is such a thing, and why it did not. */
function because(found: Unhelped, why: string, remedy: string, events: readonly LabEvent[]): Examined {
  return proof({ text: `${found.text}. ${why}`, remedy }, [...found.events, ...events]);
}

function controlEncrypted(facts: Facts, of: TransferFacts): Examined {
  const asked = lineBefore(facts, of, /^AUTH TLS/i, 'command');
  if (!asked || !helperIsLoaded(facts)) return null;
  const found = unhelped(facts, of);
  if (!found) return null;
  const granted = lineBefore(facts, of, /^234[ -]/, 'reply');
  const { helped } = controlEntry(facts, of);
  if (!isUnhelped(found) || !granted || !helped) {
    return incomplete({
      'what the helper would have prevented': isUnhelped(found),
      'the server’s 234 to AUTH TLS': granted,
      'conntrack’s entry of the control connection, with the helper': helped,
    });
  }
  return because(
    found,
    `The helper is attached, but since “${asked.line}” (“${granted.line}”) the control connection is encrypted, and it reads nothing.`,
    'Use passive mode with the server’s own ports opened or forwarded, and have the server name an address that can be dialled; or, where both ends can, end the encryption of the control connection after the log-in (CCC, RFC 4217).',
    [asked, granted, helped],
  );
}

/** A line the client sent or read before a transfer was over. */
function lineBefore(
  { observation }: Facts,
  { end }: TransferFacts,
  pattern: RegExp,
  wanted: LineEvent['direction'],
): LineEvent | undefined {
  return observation.events
    .filter((event) => event.kind === 'ftp-line')
    .findLast(
      ({ vantage, direction, line, at }) =>
        vantage === 'client' &&
        direction === wanted &&
        pattern.test(line) &&
        at < (end?.at ?? Number.POSITIVE_INFINITY),
    );
}

/** The failure, and the control connection's entry without a helper; or what is missing of them. */
function bareEntry(facts: Facts, of: TransferFacts): { found: Unhelped; bare: LabEvent } | Examined {
  const found = unhelped(facts, of);
  if (!found) return null;
  const { bare, helped } = controlEntry(facts, of);
  // It has one: whatever failed, it is not that.
  if (helped) return null;
  if (!isUnhelped(found) || !bare) {
    return incomplete({ 'what a helper would have prevented': isUnhelped(found), [BARE]: bare });
  }
  return { found, bare };
}

function onAnotherPort(facts: Facts, of: TransferFacts): Examined {
  const { port } = facts.plan.server;
  const { ports, attach } = facts.plan.firewall.helper;
  const rows = attachingRows(facts);
  if (rows.some((row) => watches(row, port))) return null;
  const ofRows = rows.flatMap(({ does }) => does.destinationPorts ?? []);
  const watched =
    ports.length > 0 && attach === 'rule'
      ? ports
      : ofRows.map(([low, high]) => (low === high ? low : `${low}–${high}`));
  if (watched.length === 0 || watched.includes(port)) return null;
  const seen = bareEntry(facts, of);
  if (!seen || !('bare' in seen)) return seen;
  return because(
    seen.found,
    `The helper is attached to port ${watched.join(', ')} only, and the server’s is ${port}: its control connection carries none.`,
    `Attach the helper to port ${port} too (here: ports=${[...watched, port].join()} with each module), or use passive mode.`,
    [seen.bare],
  );
}

function tooEarly(facts: Facts, of: TransferFacts): Examined {
  const row = attachingRows(facts).find(isTooEarly);
  if (!row) return null;
  const seen = bareEntry(facts, of);
  if (!seen || !('bare' in seen)) return seen;
  const count = lastCount(facts, row.row);
  if (!count || count.packets === 0) {
    return incomplete({ [`that row ${row.row} counted packets`]: count && count.packets > 0 });
  }
  return because(
    seen.found,
    `Row ${row.row}, “${count.rule}”, matched ${count.packets} packets and attached nothing: its chain sees them before conntrack does, so there is no connection yet to set a helper on.`,
    'Put the rule into a chain that comes after conntrack (priority -200), e.g. `type filter hook prerouting priority -150`.',
    [count, seen.bare],
  );
}

function notAttached(facts: Facts, of: TransferFacts): Examined {
  const { ports, attach } = facts.plan.firewall.helper;
  const rows = attachingRows(facts).filter((row) => watches(row, facts.plan.server.port));
  if (!helperIsLoaded(facts) || (ports.length > 0 && attach === 'rule')) return null;
  // One that matched, and attached nothing all the same, is another matter.
  if (rows.some(({ row }) => lastCount(facts, row)?.packets !== 0)) return null;
  const seen = bareEntry(facts, of);
  if (!seen || !('bare' in seen)) return seen;
  const [first] = rows;
  if (first) return unmatched(facts, seen.found, first, seen.bare);
  return because(
    seen.found,
    'The helper is loaded, but since Linux 4.7 loading attaches it to nothing, and no rule does.',
    `Attach it by rule: iptables -t raw -A PREROUTING -p tcp --dport ${facts.plan.server.port} -j CT --helper ftp, or nft’s \`ct helper set\` (here: leave out attach: module); and accept related connections.`,
    [seen.bare],
  );
}

/** A row attaches the helper, and no packet has met it. */
function unmatched(facts: Facts, found: Unhelped, { row, does }: LoadedRule, bare: LabEvent): Examined {
  const count = lastCount(facts, row);
  const syn = controlSyn(facts);
  const why = syn && whyNot(facts.plan, does, syn);
  if (!count || !syn)
    return incomplete({ [`the count of row ${row}`]: count, 'the SYN of the control connection': syn });
  return because(
    found,
    `Row ${row}, “${count.rule}”, is to attach the helper, and no packet matched it${why ? `: ${why.replace(/^it/, 'the control connection')}` : ''}.`,
    `Have row ${row} match the client’s packets of the control connection, which come in from ${syn.leg} and go to port ${syn.destinationPort}; and accept related connections.`,
    [count, syn, bare],
  );
}

/** Rules that count on a helper, and none there. With NAT the unchanged PORT is the plainer word for it. */
function notLoaded(facts: Facts, of: TransferFacts): Examined {
  if (helperIsLoaded(facts)) return null;
  const found = unhelped(facts, of);
  if (!isUnhelped(found) || found.kind !== 'unrelated') return null;
  const { bare } = controlEntry(facts, of);
  if (!bare) return incomplete({ [BARE]: bare });
  const { port } = facts.plan.server;
  return because(
    found,
    'A connection is related when a helper foretold it from the dialogue, and no FTP helper is loaded.',
    `Load the FTP helper and attach it to port ${port} by rule (here: modules: [ip_conntrack_ftp${facts.plan.firewall.nat === 'none' ? '' : ', ip_nat_ftp'}]), or accept the data connections by their ports.`,
    [bare],
  );
}
