// Random rules of ipchains, such as can be typed.
import fc from 'fast-check';
import type { IpchainsRule } from '../../src/firewall/ipchains/dialect';

const flag = fc.option(fc.record({ not: fc.boolean() }));
const low = <T>(value: fc.Arbitrary<T>) => fc.record({ not: fc.boolean(), value });
const network = fc
  .tuple(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }), fc.boolean())
  .map(([bits, prefix, not]) => {
    const kept = prefix === 0 ? 0 : (bits & (0xffffffff << (32 - prefix))) >>> 0;
    const address = [24, 16, 8, 0].map((shift) => (kept >>> shift) & 255).join('.');
    return { not: not && prefix > 0, value: { address, prefix } };
  });
const range = (min: number, max: number) =>
  fc
    .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
    .map(([a, b]): [number, number] => (a < b ? [a, b] : [b, a]));
const ports = fc.option(
  low(
    fc.oneof(
      range(1, 65535),
      range(1, 65534).map(([, high]): [number, number] => [0, high]),
    ),
  ),
);
const icmp = fc.option(low(range(0, 255)));
const via = low(fc.record({ name: fc.stringMatching(/^[a-z][a-z0-9.:]{0,14}$/), prefix: fc.boolean() }));
export const chain = fc.constantFrom('input', 'forward', 'output', 'mine', 'FTP-in', 'eight888');
const rest = {
  interface: fc.option(via),
  bidirectional: fc.boolean(),
  log: fc.boolean(),
  outputSize: fc.option(fc.nat(65535)),
  mark: fc.option(fc.record({ absolute: fc.boolean(), value: fc.nat(0xffffffff) })),
  tos: fc.option(
    fc.record({ and: fc.nat(127).map((n) => 2 * n + 1), xor: fc.constantFrom(0, 2, 4, 8, 16, 0x10, 0xf0) }),
  ),
};
const ends = (values: typeof ports) => ({
  source: fc.record({ network, ports: values }),
  destination: fc.record({ network, ports: values }),
});
const nothing = fc.constant(null);
const protocol = (number: number) => fc.constant({ not: false, value: number });
const redirect = fc.record({ kind: fc.constant('redirect' as const), port: fc.nat(65535) });
const special = fc
  .constantFrom('ACCEPT', 'DENY', 'REJECT', 'MASQ', 'RETURN')
  .map((name) => ({ kind: 'special' as const, name }));
const jump = fc.constantFrom('mine', 'FTP-in').map((name) => ({ kind: 'chain' as const, chain: name }));
const target = fc.option(fc.oneof(special, jump));
const more = { ...rest, target };
const rule: fc.Arbitrary<IpchainsRule> = fc.oneof(
  fc.record({
    ...more,
    ...ends(ports),
    protocol: protocol(6),
    syn: flag,
    fragment: nothing,
    target: fc.option(fc.oneof(special, jump, redirect)),
  }),
  fc.record({
    ...more,
    ...ends(ports),
    protocol: protocol(17),
    syn: nothing,
    fragment: fc.option(fc.constant({ not: true })),
  }),
  fc.record({ ...more, ...ends(icmp), protocol: protocol(1), syn: nothing, fragment: nothing }),
  fc.record({
    ...more,
    ...ends(nothing),
    protocol: low(fc.nat(255)).map(({ not, value }) => ({ not: not && value > 0, value })),
    syn: nothing,
    fragment: flag,
  }),
);
const allowed = (where: string, { target: to }: IpchainsRule): boolean =>
  (to?.kind !== 'redirect' || !['forward', 'output'].includes(where)) &&
  (to?.kind !== 'special' || to.name !== 'MASQ' || !['input', 'output'].includes(where));
/** A rule and a chain it may stand in. */
export const inChain = fc.record({ chain, rule }).filter((both) => allowed(both.chain, both.rule));
