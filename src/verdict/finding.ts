import type { LabEvent } from '../observe/event';
import type { Expectation } from '../scenario';
import type { Diagnosis } from './diagnosis';
import type { Facts } from './facts';

/** What a check found. `held` is null when the evidence does not reach. */
export interface Finding {
  readonly held: boolean | null;
  readonly why: string;
  /** ids of the events it rests on */
  readonly events: readonly string[];
}

/** What checks are given. */
export interface Context {
  readonly facts: Facts;
  readonly diagnoses: readonly Diagnosis[];
  /** the sentence itself: its number, ports and cause */
  readonly asked: Expectation;
}

export function finding(held: boolean, why: string, events: readonly (LabEvent | undefined)[]): Finding {
  return { held, why, events: events.flatMap((event) => (event ? [event.id] : [])) };
}

export function unknown(why: string): Finding {
  return { held: null, why, events: [] };
}
