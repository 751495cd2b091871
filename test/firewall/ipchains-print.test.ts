import fc from 'fast-check';
import {
  parseIpchains,
  printIpchains,
  type IpchainsAction,
  type IpchainsCommand,
} from '../../src/firewall/ipchains/dialect';
import { chain, inChain } from './ipchains-arbitrary';

/** What commands do, without where they stood. */
function actions(commands: readonly IpchainsCommand[]): Record<string, unknown>[] {
  return commands.map((command) =>
    Object.fromEntries(Object.entries(command).filter(([key]) => !['line', 'column', 'text'].includes(key))),
  );
}

describe('printed and read again', () => {
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
