import { maskOf, printAddress } from './addresses';
import type { Chain, Chains } from './chains';
import { targetName } from './list-rules';
import { parseIpchains } from '../firewall/ipchains/parse';
import { hexByte, not } from '../firewall/ipchains/print';
import {
  PROTOCOLS,
  isBuiltIn,
  type Endpoint,
  type IpchainsCommand,
  type IpchainsRule,
} from '../firewall/ipchains/rule';
import { ruleLines } from '../firewall/words';
import type { PortRange } from '../firewall/kinds';

/** A user chain has no policy. */
const NO_POLICY = '-';

/**
 * What `ipchains-save` prints (ipchains-scripts 1.1.2): the policies, and each rule as `ipchains` reads it.
 *
 * @param only one chain; null: all
 * @param verbose whether it says on its error output which chain it saves
 * @returns both its outputs
 * @throws an Error for a chain there is not
 */
export function saveChains(
  chains: Chains,
  only: string | null,
  verbose: boolean,
): { readonly saved: string; readonly told: string } {
  const wanted = chains.all().filter(({ name }) => only === null || name === only);
  if (wanted.length === 0) {
    const known = chains.all().map(({ name }) => name);
    throw new Error(`unknown chain "${only}"; known: ${known.join(', ')}`);
  }
  const lines = [...wanted.map(policyLine), ...wanted.flatMap(ruleLinesOf)];
  return {
    saved: lines.map((line) => `${line}\n`).join(''),
    told: verbose ? wanted.map(({ name }) => `Saving \`${name}'.\n`).join('') : '',
  };
}

function policyLine({ name, policy }: Chain): string {
  return `:${name} ${policy ?? NO_POLICY}`;
}

function ruleLinesOf({ name, rules }: Chain): string[] {
  return rules.map(({ rule }) => ['-A', name, ...savedWords(rule)].join(' '));
}

/** Both ends always, with masks in dots and ports as ranges; the protocol as number; what is not said is left out. */
function savedWords(rule: IpchainsRule): string[] {
  const { interface: via, protocol, target, mark, tos, outputSize } = rule;
  return [
    ...['-s', ...endWords(rule.source)],
    ...['-d', ...endWords(rule.destination)],
    ...(via ? ['-i', ...not(via), `${via.value.name}${via.value.prefix ? '+' : ''}`] : []),
    ...(protocol.value === PROTOCOLS.all ? [] : ['-p', ...not(protocol), String(protocol.value)]),
    ...(target ? ['-j', targetName(target)] : []),
    ...(target?.kind === 'redirect' ? [String(target.port)] : []),
    ...(rule.log ? ['-l'] : []),
    ...(rule.syn ? [...not(rule.syn), '-y'] : []),
    ...(rule.fragment ? [...not(rule.fragment), '-f'] : []),
    ...(mark ? ['-m', `${mark.absolute ? '' : '+'}${mark.value}`] : []),
    ...(outputSize === null ? [] : ['-o', String(outputSize)]),
    ...(tos ? ['-t', hexByte(tos.and), hexByte(tos.xor)] : []),
  ];
}

function endWords({ network, ports }: Endpoint): string[] {
  const { address, prefix } = network.value;
  const words = [...not(network), `${address}/${printAddress(maskOf(prefix))}`];
  return ports ? [...words, ...not(ports), printRange(ports.value)] : words;
}

/** Without a low end where that is 0, which ipchains here does not read as a port. */
function printRange([low, high]: PortRange): string {
  return `${low === 0 ? '' : low}:${high}`;
}

export interface RestoreOptions {
  /** -f: user chains that are there already are emptied */
  readonly flush: boolean;
  /** -p: they are left as they are, and nobody is asked */
  readonly preserve: boolean;
  readonly verbose: boolean;
}

/**
 * Does what `ipchains-restore` does (ipchains-scripts 1.1.2) with what ipchains-save printed: policies are set, user
 * chains made, and rules added behind those that are there; what was in a built-in chain stays. Of a user chain that
 * is there already the script asks whether to skip or to flush it; nobody can answer here, and skipping is what it
 * does then. `-f` wins over `-p`: start scripts of the time give both.
 *
 * @param apply does one command
 * @returns what it says
 * @throws an Error that names the first wrong line; what stands before it has been done
 */
export function restoreChains(
  input: string,
  chains: Chains,
  options: RestoreOptions,
  names: Readonly<Record<string, string>>,
  apply: (command: IpchainsCommand) => void,
): string {
  const said: string[] = [];
  const skipped = new Set<string>();
  for (const { text, line, column } of ruleLines(input)) {
    const read = (words: string): IpchainsCommand => {
      const { commands, problems } = parseIpchains(words, {
        names,
        chains: chains.userChains(),
        services: true,
      });
      const [command] = commands;
      const [problem] = problems;
      if (problem || !command)
        throw new Error(`line ${line + 1}: ${text}: ${problem?.message ?? 'it is no command'}`);
      return { ...command, line, column, text };
    };
    const [, chain, policy = NO_POLICY] = /^:(\S+)(?:\s+(\S+))?/.exec(text) ?? [];
    if (chain === undefined) {
      const command = read(text);
      if (!('chain' in command && command.chain !== null && skipped.has(command.chain))) apply(command);
      continue;
    }
    if (options.verbose) said.push(`Restoring \`${chain}'.`);
    if (isBuiltIn(chain)) apply(read(`-P ${chain} ${policy}`));
    else if (!chains.userChains().includes(chain)) apply(read(`-N ${chain}`));
    else if (options.flush) {
      if (options.verbose) said.push(`Flushing \`${chain}'.`);
      apply(read(`-F ${chain}`));
    } else {
      skipped.add(chain);
      if (!options.preserve)
        said.push(`Chain \`${chain}' already exists. Skip or flush? [S/f]?`, `Skipping \`${chain}'.`);
    }
  }
  return said.map((line) => `${line}\n`).join('');
}
