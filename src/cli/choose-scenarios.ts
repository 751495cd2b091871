import { InvalidArgumentError } from 'commander';
import { SCENARIO_DIRECTORY } from '../paths';
import type { Scenario } from '../scenario';
import { findScenario, scenarioNames } from '../scenario/catalogue';
import { loadScenario } from '../scenario/load';
import { inputError } from '../scenario/problem';

/** One of several equal parts of the scenarios, for machines that share the work. Counted from 1. */
export interface Shard {
  readonly part: number;
  readonly of: number;
}

export interface Choice {
  readonly all?: true;
  readonly tag?: string;
  readonly shard?: Shard;
}

/** Reads `--shard 2/5`. */
export function shard(text: string): Shard {
  const [, part = '', of = ''] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  if (Number(part) < 1 || Number(part) > Number(of)) {
    throw new InvalidArgumentError('allowed: i/n, the i-th of n parts, e.g. 1/3, 2/3 and 3/3');
  }
  return { part: Number(part), of: Number(of) };
}

/**
 * The scenarios that were named, or all, or those with a tag; of these the shard's. All are read
 * before any is run: bad input starts nothing.
 *
 * @throws InputError when a scenario is wrong, or nothing is chosen
 */
export function chooseScenarios(names: readonly string[], choice: Choice): Scenario[] {
  const everything = choice.all === true || (choice.tag !== undefined && names.length === 0);
  const chosen = everything ? scenarioNames(SCENARIO_DIRECTORY) : names;
  if (chosen.length === 0) {
    throw inputError('no scenario named; `lab list` shows them, `lab run --all` runs them all');
  }
  const read = chosen.map((name) => loadScenario(findScenario(SCENARIO_DIRECTORY, name)));
  const { tag, shard: part } = choice;
  const tagged = tag === undefined ? read : read.filter(({ tags }) => tags.includes(tag));
  if (tagged.length === 0) {
    const known = [...new Set(read.flatMap(({ tags }) => tags))].sort();
    throw inputError(`no scenario has the tag "${tag ?? ''}"; known: ${known.join(', ') || 'none'}`);
  }
  if (!part) return tagged;
  return tagged.filter((_scenario, index) => index % part.of === part.part - 1);
}
