import { isLinux22 } from '../plan/plan';
import { inRun } from '../plan/scale-time';
import type { CheckName } from '../scenario';
import { controlExpiry, controlLives, firstSpeech, moment, resetAfter, type Speech } from './control-life';
import type { EntryLife, Moment } from './entry-lives';
import { isInside, type Facts, type TransferFacts } from './facts';
import { finding, unknown, type Context, type Finding } from './finding';

export type TimeCheckName = Extract<
  CheckName,
  | 'control-survives'
  | 'control-expires'
  | 'control-expires-after'
  | 'control-timeout'
  | 'control-left-at-least'
  | 'control-kept'
  | 'udp-timeout'
  | 'client-speaks-first'
  | 'server-speaks-first'
  | 'entry-made-anew'
  | 'firewall-resets'
  | 'firewall-silent'
  | 'leaves-untranslated'
  | 'nothing-untranslated'
>;

/** Seconds: what is closer in time is the same moment. */
const SAME_MOMENT = 0.001;

/** Checks of how long entries live, and of what happens when one is gone, by the name of their sentence. */
export const TIME_CHECKS: Readonly<Record<TimeCheckName, (context: Context) => Finding>> = {
  'control-survives': ({ facts }) => expires(facts, false),
  'control-expires': ({ facts }) => expires(facts, true),

  'control-expires-after': ({ facts, asked }) => {
    const expiry = controlExpiry(facts);
    if (!expiry) return expires(facts, true);
    const last = expiry.life.moments.at(-1);
    if (!last || Math.abs(expiry.at - last.at - last.timeout) > SAME_MOMENT) {
      return unknown('it went, but which packet set its timer last was not seen');
    }
    const held = isTimeout(facts, last.timeout, asked.number);
    return said(
      facts,
      held,
      `it expired ${inScenario(facts, last.timeout)} s after its last packet, at ${moment(facts, expiry.at)}`,
      [last.event, expiry.told?.id],
    );
  },

  'control-timeout': ({ facts, asked }) => hasTimeout(facts, controlLives(facts), asked.number),
  'control-kept': ({ facts }) => kept(facts),
  'udp-timeout': ({ facts, asked }) =>
    hasTimeout(
      facts,
      facts.lives.filter(({ protocol }) => protocol === 'udp'),
      asked.number,
    ),

  'control-left-at-least': ({ facts, asked }) => {
    const [life] = controlLives(facts);
    if (!life) return unknown('the firewall told of no entry for the control connection');
    // Handshakes, and data not yet acknowledged, set shorter timers, which is no matter of patience.
    const longest = Math.max(...life.moments.map(({ timeout }) => timeout));
    const waits = life.moments.filter((_, index) => life.moments[index - 1]?.timeout === longest);
    const [least] = [...waits].sort((a, b) => (a.left ?? 0) - (b.left ?? 0));
    if (!least) return unknown('no packet came after the log-in');
    const left = inScenario(facts, least.left ?? 0);
    return said(facts, left >= (asked.number ?? 0), `at the least ${left} s, at ${moment(facts, least.at)}`, [
      least.event,
    ]);
  },

  'client-speaks-first': ({ facts }) => speaksFirst(facts, 'client'),
  'server-speaks-first': ({ facts }) => speaksFirst(facts, 'server'),

  'entry-made-anew': ({ facts }) => {
    const expiry = controlExpiry(facts);
    if (!expiry) return unknown('the control connection’s entry did not expire');
    const { original } = expiry.life;
    const anew = controlLives(facts).find(
      (life) =>
        life !== expiry.life &&
        life.original.sourcePort === original.sourcePort &&
        (life.moments[0]?.at ?? 0) > expiry.at,
    );
    if (!anew) return said(facts, false, 'no entry was made for it again', [expiry.told?.id]);
    const from = anew.reply ? `, as ${anew.reply.destination}:${anew.reply.destinationPort}` : '';
    const why = `made at ${moment(facts, anew.moments[0]?.at ?? 0)}${from}`;
    return said(facts, true, why, [expiry.told?.id, anew.moments[0]?.event]);
  },

  'firewall-resets': ({ facts }) => answered(facts, true),
  'firewall-silent': ({ facts }) => answered(facts, false),
  'leaves-untranslated': ({ facts }) => untranslated(facts, true),
  'nothing-untranslated': ({ facts }) => untranslated(facts, false),
};

/** The final reply as the server's leg shows it, sent more than once. */
export function replyRepeated(of: TransferFacts, facts: Facts): Finding {
  const given = facts.controlPackets[facts.legOf.server].filter(
    ({ payload, at, sourcePort }) =>
      sourcePort === facts.plan.server.port && payload.startsWith('226 ') && at >= (of.request?.at ?? 0),
  );
  const why = `${given.length} packets with it on the ${facts.legOf.server} leg`;
  return finding(given.length > 2, why, given.slice(0, 4));
}

/** The data connection's timer after the first FIN. */
export function finTimeout(of: TransferFacts, facts: Facts, seconds: number | null): Finding {
  const [syn] = [...of.syns.inside, ...of.syns.outside];
  const life = facts.lives.find(
    ({ original }) =>
      original.sourcePort === syn?.sourcePort && original.destinationPort === syn.destinationPort,
  );
  // Linux 2.2 has another state where the outside closes first.
  const fin = life?.moments.find(({ state }) => /^(?:FIN|CLOSE)_WAIT/.test(state));
  if (!fin) return unknown('the firewall told of no entry of it that had seen a FIN');
  const why = `its entry went to ${fin.state} with ${inScenario(facts, fin.timeout)} s`;
  return said(facts, isTimeout(facts, fin.timeout, seconds), why, [fin.event]);
}

function expires(facts: Facts, wanted: boolean): Finding {
  const lives = controlLives(facts);
  if (lives.length === 0) return unknown('the firewall told of no entry for a control connection');
  const expiry = controlExpiry(facts);
  if (!expiry) {
    const latest = lives.map((life) => life.moments.at(-1)?.event);
    return said(facts, !wanted, 'its conntrack entry was there to the end', latest);
  }
  const last = expiry.life.moments.at(-1);
  const told = expiry.told ? '' : '; the firewall had not yet told of it when the run was over';
  const why = `its entry expired at ${moment(facts, expiry.at)}, ${inScenario(facts, last?.timeout ?? 0)} s after its last packet${told}`;
  return said(facts, wanted, why, [last?.event, expiry.told?.id]);
}

/** ip_masq.c, masq_expire: the timer of a control connection with a data entry left is set to TIME_WAIT's 120 s. */
function kept(facts: Facts): Finding {
  const moments = controlLives(facts).flatMap((life) => life.moments);
  if (moments.length === 0) return unknown('the firewall told of no entry for the control connection');
  // A packet never finds an entry whose time is up.
  const again = moments.filter(
    ({ change, left, timeout }) =>
      change === 'refreshed' &&
      left !== null &&
      left * facts.plan.timeScale < 2 &&
      isTimeout(facts, timeout, 120),
  );
  const times = again.map(({ at }) => moment(facts, at)).join(', ');
  const why =
    again.length > 0 ? `its timer had run out, and was given 120 s more, at ${times}` : 'it never was';
  return said(facts, again.length > 0, why, again.map(({ event }) => event).slice(0, 4));
}

function hasTimeout(facts: Facts, lives: readonly EntryLife[], seconds: number | null): Finding {
  const moments = lives.flatMap((life) => life.moments);
  if (moments.length === 0) return unknown('the firewall told of no such entry');
  const found = moments.find(({ timeout }) => isTimeout(facts, timeout, seconds));
  const longest = moments.reduce((a, b) => (b.timeout > a.timeout ? b : a));
  const shown: Moment = found ?? longest;
  const why = `${shown.state || 'its timer'} set to ${inScenario(facts, shown.timeout)} s at ${moment(facts, shown.at)}`;
  return said(facts, found !== undefined, why, [shown.event]);
}

/** Whether a timer is what a scenario calls so many seconds. */
function isTimeout({ plan }: Facts, seconds: number, asked: number | null): boolean {
  if (asked === null) return false;
  const kind = isLinux22(plan) ? 'masquerade timeout' : 'timeout';
  const expected = inRun({ kind, seconds: asked }, plan.timeScale);
  return Math.abs(seconds - expected) < 0.5 / plan.timeScale + 0.001;
}

function speaksFirst(facts: Facts, end: 'client' | 'server'): Finding {
  const speech = speechOf(facts);
  if ('held' in speech) return speech;
  const { packet, from } = speech;
  return finding(from === end, `the ${from}, at ${moment(facts, packet.at)}: ${packet.text}`, [packet]);
}

/** What the firewall itself said to the first packet after the entry was gone. */
function answered(facts: Facts, wanted: boolean): Finding {
  const speech = speechOf(facts);
  if ('held' in speech) return speech;
  const reset = resetAfter(facts, speech.packet);
  const why = reset ? `it did: ${reset.text}` : 'no RST came back';
  return finding((reset !== undefined) === wanted, why, [speech.packet, reset]);
}

function speechOf(facts: Facts): Speech | Finding {
  const expiry = controlExpiry(facts);
  if (!expiry) return unknown('the control connection’s entry did not expire');
  return firstSpeech(facts, expiry) ?? unknown('nobody said anything after that');
}

function untranslated(facts: Facts, wanted: boolean): Finding {
  if (!facts.complete.outside) return unknown('the outside capture is missing or incomplete');
  const leaked = facts.controlPackets.outside.find(({ source }) => isInside(facts.plan, source));
  const why = leaked ? leaked.text : 'the outside capture shows no inside address';
  return finding((leaked !== undefined) === wanted, why, [leaked]);
}

function said(facts: Facts, held: boolean, why: string, ids: readonly (string | undefined)[]): Finding {
  const events = facts.observation.events.filter(({ id }) => ids.includes(id));
  return finding(held, why, events);
}

function inScenario({ plan }: Facts, seconds: number): number {
  return Math.round(seconds * plan.timeScale);
}
