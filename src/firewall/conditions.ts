/**
 * What a packet must have for a rule to match, as far as the wiring of a lab decides it: one of some interfaces, or
 * one of some addresses, networks or ranges. A rule may have several; all must hold.
 */
export interface Condition {
  readonly on: 'interface' | 'address';
  readonly any: readonly string[];
}

const FLAGS: Readonly<Record<Condition['on'], readonly string[]>> = {
  interface: ['-i', '-o', '--in-interface', '--out-interface', '--interface'],
  address: ['-s', '-d', '--source', '--src', '--destination', '--dst'],
};

/**
 * The conditions of a rule in the words of iptables or ipchains. What is negated is none, nor is a `$name`.
 */
export function conditionsOf(words: readonly string[]): Condition[] {
  return words.flatMap((word, index): Condition[] => {
    const value = words[index + 1] ?? '!';
    if (words[index - 1] === '!' || /^[!$-]/.test(value)) return [];
    if (FLAGS.interface.includes(word)) return [{ on: 'interface', any: [value] }];
    return FLAGS.address.includes(word) ? [{ on: 'address', any: value.split(',') }] : [];
  });
}
