import { refusedRows } from '../firewall/iptables/dialect';
import type { Ruleset } from '../firewall/kinds';
import { NEXT_TRANSACTION } from '../firewall/nftables';
import type { Plan } from '../plan/plan';
import { LabFailure, RefusedRows, type Host } from './host';

/** A program that loads rulesets, and how to read what it says of rows it refuses. */
interface Loader {
  readonly argv: readonly string[];
  readonly refused: (stderr: string, ruleset: Ruleset) => RefusedRows['rows'];
}

const LOADERS: Readonly<Partial<Record<Ruleset['loader'], Loader>>> = {
  nft: { argv: ['nft', '-f', '-'], refused: refusedByNft },
  // Of a table in several blocks, each would flush what the one before it loaded.
  'iptables-restore': { argv: ['iptables-restore', '--noflush'], refused: refusedByIptables },
};

/**
 * Loads the ruleset with the kernel's own tool, and tells the author's mistakes from the lab's.
 *
 * @throws RefusedRows when it refuses rows of the author's, LabFailure for everything else
 */
export async function loadRuleset(plan: Plan, firewall: Host): Promise<void> {
  const { ruleset } = plan.firewall;
  const loader = LOADERS[ruleset.loader];
  if (!loader) throw new LabFailure(`nothing here loads rules of ${plan.firewall.kind}`);
  for (const { text, before } of transactions(ruleset.text)) {
    const { code, stderr } = await firewall.exec(loader.argv, { input: text });
    if (code === 0) continue;
    // The tool counts lines of what it was given.
    const rowLines = ruleset.rowLines.map((place) => ({ ...place, line: place.line - before }));
    const refused = loader.refused(stderr, { ...ruleset, rowLines });
    if (refused.length > 0) throw new RefusedRows(refused);
    throw new LabFailure(`${loader.argv[0] ?? ''} can't load the ruleset: ${stderr.trim()}`);
  }
}

/** The parts of a ruleset that are loaded one after the other, and how many lines stand before each. */
function transactions(text: string): { text: string; before: number }[] {
  const parts: { text: string; before: number }[] = [];
  let before = 0;
  for (const part of text.split(`${NEXT_TRANSACTION}\n`)) {
    parts.push({ text: part, before });
    before += part.split('\n').length;
  }
  return parts;
}

function refusedByIptables(stderr: string, ruleset: Ruleset): RefusedRows['rows'] {
  return refusedRows(stderr, ruleset).map((row) => ({ ...row, line: null }));
}

function refusedByNft(stderr: string, { rowLines, textLines = [] }: Ruleset): RefusedRows['rows'] {
  return [...stderr.matchAll(/:(\d+):(\d+)-\d+: Error: ([^\n]+)/g)].flatMap(
    ([, line, column, message]): RefusedRows['rows'][number][] => {
      const place = rowLines.find((candidate) => candidate.line === Number(line));
      const what = { message: message ?? '', line: null };
      if (place) return [{ ...what, row: place.row, column: Number(column) - 1 - place.indent }];
      // Of whole tables, what is no rule may be wrong too.
      const source = textLines.find((candidate) => candidate.line === Number(line))?.source;
      return source === undefined ? [] : [{ ...what, row: null, line: source, column: Number(column) - 1 }];
    },
  );
}
