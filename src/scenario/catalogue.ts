import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { inputError } from './problem';

/** Names of the scenarios that come with the lab, in alphabetical order. */
export function scenarioNames(directory: string): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/**
 * The file of a scenario given by name, or by path when it has a slash or ends in .yaml.
 *
 * @throws InputError that suggests the nearest names
 */
export function findScenario(directory: string, name: string): string {
  if (/[/\\]|\.ya?ml$/.test(name)) return name;
  const names = scenarioNames(directory);
  if (names.includes(name)) return join(directory, `${name}.yaml`);
  const near = names
    .map((candidate) => ({ candidate, apart: distance(name, candidate) }))
    .filter(({ candidate, apart }) => apart <= Math.max(3, candidate.length / 3) || candidate.includes(name))
    .sort((a, b) => a.apart - b.apart)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
  const hint = near.length > 0 ? `did you mean ${near.join(', ')}?` : `known: ${names.join(', ')}`;
  throw inputError(
    `unknown scenario "${name}"; ${hint} (a file of your own: give its path, e.g. ./${name.replace(/[^\w-]/g, '')}.yaml)`,
  );
}
