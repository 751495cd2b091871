import { FLAGS, type RandomFirewall } from './random-vocabulary';
import type { Condition, FilterRow } from './first-match-model';

type Rules = Pick<RandomFirewall, 'chain' | 'policy'>;

/** Models that are wrong in one point each. What was seen has to tell them from the right one. */
export const WRONG_MODELS: Readonly<Record<string, (rules: Rules) => Rules>> = {
  'the last row that matches decides': ({ chain, policy }) => ({ policy, chain: chain.toReversed() }),
  'the policy is the other one': ({ chain, policy }) => ({
    chain,
    policy: policy === 'drop' ? 'accept' : 'drop',
  }),
  'it does not matter which way a packet goes': without('in', 'out'),
  'source addresses do not matter': without('source'),
  'destination addresses do not matter': without('destination'),
  'source and destination port are one another’s': conditions((condition) => {
    if (condition.field === 'sourcePort') return [{ ...condition, field: 'destinationPort' }];
    return [condition.field === 'destinationPort' ? { ...condition, field: 'sourcePort' } : condition];
  }),
  'ranges end before their last port': conditions((condition) => {
    if (condition.field !== 'sourcePort' && condition.field !== 'destinationPort') return [condition];
    return [{ ...condition, ranges: condition.ranges.map(([low, high]) => [low, high - 1] as const) }];
  }),
  'all protocols are one': without('protocol'),
  'SYN is any packet with SYN set': seeing(FLAGS.SYN),
  'SYN does not look at FIN': seeing(FLAGS.SYN | FLAGS.ACK | FLAGS.RST),
  'not means nothing': conditions((condition) => [{ ...condition, not: false }]),
  'return goes on in the same chain': rowsOf((row) =>
    row.then === 'return' ? { ...row, then: 'continue' } : row,
  ),
  'goto comes back': rowsOf((row) => ({ ...row, forGood: false })),
  'a row without a verdict accepts': rowsOf((row) =>
    row.then === 'continue' ? { ...row, then: 'accept' } : row,
  ),
};

/** Every row changed, also those of the chains that packets are sent through. */
function rowsOf(change: (row: FilterRow) => FilterRow): (rules: Rules) => Rules {
  const all = (rows: readonly FilterRow[]): FilterRow[] =>
    rows.map((row) => change(typeof row.then === 'string' ? row : { ...row, then: all(row.then) }));
  return ({ chain, policy }) => ({ chain: all(chain), policy });
}

function conditions(change: (condition: Condition) => readonly Condition[]): (rules: Rules) => Rules {
  return rowsOf((row) => ({ ...row, when: row.when.flatMap(change) }));
}

function without(...fields: readonly Condition['field'][]): (rules: Rules) => Rules {
  return conditions((condition) => (fields.includes(condition.field) ? [] : [condition]));
}

/** Of the flags, only some are looked at. */
function seeing(flags: number): (rules: Rules) => Rules {
  return conditions(({ mask, ...condition }) => {
    if (mask === undefined) return [condition];
    const ranges = condition.ranges.map(([low, high]) => [low & flags, high & flags] as const);
    return [{ ...condition, mask: mask & flags, ranges }];
  });
}
