import fc from 'fast-check';

const port = fc.integer({ min: 1, max: 65535 });
const ports = fc
  .tuple(port, port)
  .map(([a, b]) => (a === b ? String(a) : `${Math.min(a, b)}:${Math.max(a, b)}`));
const address = fc
  .tuple(fc.ipV4(), fc.option(fc.integer({ min: 1, max: 32 })))
  .map(([ip, prefix]) => (prefix === null ? ip : `${ip}/${prefix}`));
/** One of some texts. */
export const either = <T extends string>(...texts: T[]): fc.Arbitrary<T> => fc.constantFrom(...texts);
const optional = (word: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.option(word).map((text) => text ?? '');

/** The words of a sensible rule, behind the chain. */
export const ruleWords = fc
  .tuple(
    optional(either('-i inside', '-o outside', '! -i inside')),
    optional(fc.tuple(either('-s', '! -s', '--src'), address).map((words) => words.join(' '))),
    optional(fc.tuple(either('-d', '! --dst'), address).map((words) => words.join(' '))),
    optional(
      fc.oneof(
        fc
          .tuple(either('tcp --sport', 'udp --dport', 'tcp --syn --dport'), ports)
          .map(([to, range]) => `-p ${to} ${range}`),
        fc
          .array(port, { minLength: 1, maxLength: 15 })
          .map((list) => `-p tcp -m multiport --dports ${list.join(',')}`),
        either('-p icmp --icmp-type echo-request', '! -p tcp', '-p 17'),
      ),
    ),
    optional(either('-m state --state NEW', '-m conntrack ! --ctstate INVALID', '-m limit --limit 3/minute')),
    optional(
      fc
        .string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' })
        .map((text) => `-m comment --comment "${text.replace(/["\\]/g, '\\$&')}"`),
    ),
    either('-j ACCEPT', '-j DROP', '-j REJECT', '-j mine', "-j LOG --log-prefix 'it was: '", ''),
  )
  .map((words) => words.filter((word) => word !== '').join(' '));
