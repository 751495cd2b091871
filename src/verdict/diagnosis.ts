import type { CauseCode } from '../scenario';
import type { Cause } from './causes/cause';
import { CONTROL_DROPPED, CONTROL_EXPIRED, REPLY_LOST } from './causes/control';
import { DATA_DROPPED, DATA_FROM_OTHER_PORT, NOT_FORWARDED } from './causes/data-path';
import { DOUBLE_FIX, EXPECTATION_FILTERED } from './causes/expectation';
import {
  CONTROL_ENCRYPTED,
  HELPER_NOT_ATTACHED,
  HELPER_NOT_LOADED,
  HELPER_ON_ANOTHER_PORT,
  HELPER_TOO_EARLY,
} from './causes/helper';
import { INSIDE_ADDRESS_IN_227, INSIDE_ADDRESS_IN_PORT } from './causes/inside-address';
import { LIMIT_SPENT } from './causes/limit';
import { NAME_NOT_RESOLVED } from './causes/name';
import { CLIENT_GAVE_UP } from './causes/patience';
import { DATA_PEER_NOT_CONTROL_PEER, PASSIVE_RANGE_EXHAUSTED, SERVER_REFUSED_PORT } from './causes/refusal';
import { RESET_BY_PEER, RESET_BY_ROW } from './causes/reset';
import { NAT_NOT_APPLIED } from './causes/translation';
import { commandOf, isWhole, type Facts, type TransferFacts } from './facts';

/** The cause of a failure, from evidence. */
export interface Diagnosis {
  readonly code: CauseCode | 'unproven';
  readonly text: string;
  readonly remedy: string;
  /** ids of the events it rests on */
  readonly events: readonly string[];
  readonly transfer: string;
}

/**
 * Every cause the lab can name, in the order they are asked: the first whose evidence is complete is the
 * one. What comes first on the way of a transfer is asked first; of two that are both true, the closer one.
 */
export const CAUSES: readonly Cause[] = [
  // before there is a session
  NAME_NOT_RESOLVED,
  CONTROL_DROPPED,
  NAT_NOT_APPLIED,
  // the session was lost
  CONTROL_EXPIRED,
  REPLY_LOST,
  // the helper did not do what it is there for
  CONTROL_ENCRYPTED,
  HELPER_ON_ANOTHER_PORT,
  HELPER_TOO_EARLY,
  HELPER_NOT_ATTACHED,
  // the dialogue named what cannot be dialled
  INSIDE_ADDRESS_IN_PORT,
  INSIDE_ADDRESS_IN_227,
  SERVER_REFUSED_PORT,
  PASSIVE_RANGE_EXHAUSTED,
  // the data connection did not get across
  DOUBLE_FIX,
  EXPECTATION_FILTERED,
  HELPER_NOT_LOADED,
  RESET_BY_ROW,
  LIMIT_SPENT,
  DATA_FROM_OTHER_PORT,
  DATA_DROPPED,
  NOT_FORWARDED,
  // it got across
  DATA_PEER_NOT_CONTROL_PEER,
  RESET_BY_PEER,
  CLIENT_GAVE_UP,
];

/**
 * The cause of each transfer that failed, or whose final reply was lost. Where the evidence is not
 * enough it says what is missing.
 */
export function diagnose(facts: Facts): Diagnosis[] {
  return facts.transfers
    .filter((of) => !isWhole(of) || !of.finalReply)
    .map((of) => ({ ...(proven(facts, of)[0] ?? unproven(facts, of)), transfer: of.transfer.name }));
}

type Verdict = Omit<Diagnosis, 'transfer'>;

/** Every cause of a transfer's failure whose evidence is complete, the closest first. */
export function proven(facts: Facts, of: TransferFacts): Verdict[] {
  return CAUSES.flatMap(({ code, examine }) => {
    const found = examine(facts, of);
    if (!found?.proven) return [];
    const { text, remedy, events } = found;
    return [{ code, text, remedy, events }];
  });
}

/** What was seen, and what would have to be seen besides: of any cause, and of those that something points to. */
function unproven(facts: Facts, of: TransferFacts): Verdict {
  const { captures } = facts.observation;
  const hints = CAUSES.flatMap(({ code, examine }) => {
    const found = examine(facts, of);
    return found?.proven === false ? [`for ${code}: ${found.missing.join(', ')}`] : [];
  });
  const missing = [
    captures.length === 0 ? 'no packets were captured (--no-capture)' : '',
    ...captures
      .filter(({ lost }) => lost > 0)
      .map(({ leg, lost }) => `the ${leg} capture lost ${lost} packets`),
    of.arrangement ? '' : `no ${commandOf(of)} was seen to be answered`,
    of.syns.inside.length + of.syns.outside.length > 0 ? '' : 'no SYN of a data connection was seen',
    ...hints,
  ].filter((text) => text !== '');
  const error = of.end?.error ?? 'no error was reported';
  return {
    code: 'unproven',
    text: `The cause is not proven. Seen: ${error}. Missing: ${missing.join('; ') || 'a known cause that fits'}.`,
    remedy: 'Look at the captures and the dialogue in the evidence folder.',
    events: of.end ? [of.end.id] : [],
  };
}
