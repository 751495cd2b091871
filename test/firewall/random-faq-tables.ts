import fc from 'fast-check';
import { printTable, type TableRow } from '../../src/firewall/faq-table/table';
import type { Condition, FilterRow } from './first-match-model';
import {
  addresses,
  FLAGS,
  INSIDE_NETWORK,
  INTERFACES,
  network,
  policy,
  portRange,
  PROTOCOLS,
  when,
  type RandomFirewall,
} from './random-vocabulary';

const address = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('network', 'any', 'any', 'any') },
  { weight: 2, arbitrary: network },
);

/** An end of a row; ports go with tcp and udp. */
const end = (hasPorts: boolean): fc.Arbitrary<TableRow['from']> =>
  fc.record({ address, ports: hasPorts ? fc.option(portRange, { freq: 2 }) : fc.constant(null) });

const row: fc.Arbitrary<TableRow> = fc
  .constantFrom<TableRow['type'][]>(...Array<'tcp'>(7).fill('tcp'), 'any', 'udp', 'icmp')
  .chain((type) =>
    fc.record({
      action: fc.constantFrom('accept', 'deny'),
      type: fc.constant(type),
      from: end(type === 'tcp' || type === 'udp'),
      to: end(type === 'tcp' || type === 'udp'),
      direction: fc.constantFrom('input', 'output'),
      syn: type === 'tcp' ? fc.constantFrom(true, false, false) : fc.constant(false),
      notes: fc.constant(''),
      line: fc.constant(0),
      column: fc.constant(0),
      text: fc.constant(''),
    }),
  );

/** Tables of the FAQ's kind, loaded with iptables. */
export const randomFaqTable: fc.Arbitrary<RandomFirewall> = fc
  .record({ policy, rows: fc.array(row, { minLength: 1, maxLength: 12, size: 'max' }) })
  .map(({ policy, rows }) => {
    const chain = rows.map(filterRow);
    return { kind: 'iptables', policy, rules: printTable(rows), chain, numbered: chain };
  });

/** What the FAQ means by a row. Its directions are those of the outside interface. */
function filterRow({ action, type, from, to, direction, syn }: TableRow): FilterRow {
  return {
    when: [
      when(direction === 'input' ? 'in' : 'out', [[INTERFACES.outside, INTERFACES.outside]]),
      ...(type === 'any' ? [] : [when('protocol', [[PROTOCOLS[type], PROTOCOLS[type]]])]),
      ...endConditions(from, 'source', 'sourcePort'),
      ...endConditions(to, 'destination', 'destinationPort'),
      // iptables' --syn: of these four flags, SYN alone (iptables-extensions(8), tcp).
      ...(syn
        ? [when('flags', [[FLAGS.SYN, FLAGS.SYN]], { mask: FLAGS.FIN | FLAGS.SYN | FLAGS.RST | FLAGS.ACK })]
        : []),
    ],
    then: action === 'accept' ? 'accept' : 'drop',
  };
}

function endConditions(
  { address, ports }: TableRow['from'],
  addressField: 'source' | 'destination',
  portField: 'sourcePort' | 'destinationPort',
): Condition[] {
  const network = address === 'network' ? INSIDE_NETWORK : address;
  return [
    ...(network === 'any' ? [] : [when(addressField, [addresses(network)])]),
    ...(ports ? [when(portField, [ports])] : []),
  ];
}
