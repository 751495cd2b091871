import { printable } from '../escape';
import type { RunResult } from '../../verdict/run-result';

type Event = RunResult['events'][number];

/** Longer than any address and port. */
const END_LIMIT = 40;
const ENDS = new Set(['source', 'destination', 'local', 'remote', 'peer']);
const TUPLES = new Set(['original', 'reply', 'master']);

/**
 * A run whose addresses may be drawn as they are. A live run's are the lab's own; a saved document may
 * hold anything in their place.
 */
export function harmless(run: RunResult): RunResult {
  return { ...run, events: run.events.map((event) => safeEnds(event) as Event) };
}

function safeEnds(value: object): object {
  const changed = Object.entries(value).flatMap(([key, part]: [string, unknown]): [string, unknown][] => {
    if (TUPLES.has(key) && typeof part === 'object' && part !== null) return [[key, safeEnds(part)]];
    if (!ENDS.has(key) || typeof part !== 'string') return [];
    const safe = printable(part, END_LIMIT);
    return safe === part ? [] : [[key, safe]];
  });
  return changed.length === 0 ? value : { ...value, ...Object.fromEntries(changed) };
}
