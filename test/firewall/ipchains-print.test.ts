import fc from 'fast-check';
import {
  parseIpchains,
  printIpchains,
  type IpchainsAction,
  type IpchainsCommand,
  type IpchainsRule,
} from '../../src/firewall/ipchains/dialect';

/** What commands do, without where they stood. */
function actions(commands: readonly IpchainsCommand[]): Record<string, unknown>[] {
  return commands.map((command) =>
    Object.fromEntries(Object.entries(command).filter(([key]) => !['line', 'column', 'text'].includes(key))),
  );
}

describe('printed and read again', () => {
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
  const chain = fc.constantFrom('input', 'forward', 'output', 'mine', 'FTP-in', 'eight888');
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
  const inChain = fc.record({ chain, rule }).filter((both) => allowed(both.chain, both.rule));
  const at = fc.integer({ min: 1, max: 0x7fffffff });
  const some = fc.option(chain);
  const seconds = fc.nat(21_474_836);
  const command: fc.Arbitrary<IpchainsAction> = fc.oneof(
    inChain.map((both) => ({ kind: 'append' as const, ...both })),
    inChain.map((both) => ({ kind: 'delete' as const, ...both })),
    fc.tuple(inChain, at).map(([both, number]) => ({ kind: 'insert' as const, ...both, at: number })),
    fc.tuple(inChain, at).map(([both, number]) => ({
      kind: 'replace' as const,
      chain: both.chain,
      at: number,
      rule: { ...both.rule, bidirectional: false },
    })),
    fc.record({ kind: fc.constant('delete-number' as const), chain, at }),
    fc.record({
      kind: fc.constant('policy' as const),
      chain: fc.constantFrom('input' as const, 'output' as const, 'forward' as const),
      target: fc.constantFrom('ACCEPT' as const, 'DENY' as const, 'REJECT' as const),
    }),
    fc.constant({ kind: 'policy' as const, chain: 'forward' as const, target: 'MASQ' as const }),
    fc.record({ kind: fc.constantFrom('flush' as const, 'zero' as const, 'list' as const), chain: some }),
    fc.constant({ kind: 'list-masquerade' as const }),
    fc.record({ kind: fc.constant('timeouts' as const), tcp: seconds, tcpFin: seconds, udp: seconds }),
  );
  const made = (name: string): IpchainsAction => ({ kind: 'new-chain', chain: name });

  test('any commands', () => {
    fc.assert(
      fc.property(fc.array(command), fc.option(fc.constantFrom(null, 'mine')), (generated, deleted) => {
        const all = [
          ...['mine', 'FTP-in', 'eight888'].map(made),
          ...generated,
          { kind: 'delete-chain' as const, chain: deleted },
        ];
        const read = parseIpchains(printIpchains(all));
        expect(read.problems).toEqual([]);
        expect(actions(read.commands)).toEqual(all);
      }),
      { numRuns: 300 },
    );
  });

  test('any text is read or refused, never thrown at; every problem points into its line', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '-A',
        '-s',
        '!',
        '-M',
        '-S',
        '-I',
        'input',
        '-p',
        'tcp',
        '--',
        '-',
        '-y',
        '"',
        "'",
        '#',
        '$x',
        '--sport=',
        '\n',
      ),
      fc.string({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join(' ');
        const lines = text.split(/\r\n|\n|\r/);
        for (const { line, column, message } of parseIpchains(text).problems) {
          expect(message).not.toBe('');
          expect(column).toBeLessThanOrEqual(lines[line]?.length ?? -1);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
