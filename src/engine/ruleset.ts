import { refusedRows } from '../firewall/iptables/dialect';
import {
  added,
  addedWithCounter,
  emptied,
  isOwners,
  listed,
  policyCounter,
  ruleId,
  standings,
  withCounter,
  type NftCommands,
  type NftListing,
  type Standings,
} from '../firewall/nftables/listing';
import type { NftRule } from '../firewall/nftables/json';
import { refusedByNft } from '../firewall/nftables/refused';
import { NEXT_TRANSACTION, TRANSACTION } from '../firewall/nftables/ruleset';
import type { Ruleset } from '../firewall/kinds';
import type { Plan } from '../plan/plan';
import { LabFailure, RefusedRows, type ExecResult, type Host } from './host';

/**
 * Loads the ruleset with the kernel's own tool, and tells the author's mistakes from the lab's.
 *
 * @param directory where files for the tool may be put
 * @returns where the rows stand; null where the rules say so themselves, as those of iptables do
 * @throws RefusedRows when it refuses rows of the author's, LabFailure for everything else
 */
export async function loadRuleset(
  plan: Plan,
  firewall: Pick<Host, 'exec'>,
  directory: string,
): Promise<Standings | null> {
  const { ruleset, kind } = plan.firewall;
  if (ruleset.loader === 'nft') return new Nft(plan, firewall, directory).load();
  if (ruleset.loader !== 'iptables-restore') throw new LabFailure(`nothing here loads rules of ${kind}`);
  await restore(ruleset, firewall, []);
  return null;
}

/**
 * Has the tool read a ruleset, of which nothing is loaded.
 *
 * @throws as loadRuleset
 */
export async function checkRuleset(plan: Plan, host: Pick<Host, 'exec'>, directory: string): Promise<void> {
  const { ruleset } = plan.firewall;
  if (ruleset.loader === 'nft') await new Nft(plan, host, directory).check();
  else if (ruleset.loader === 'iptables-restore') await restore(ruleset, host, ['--test']);
}

async function restore(ruleset: Ruleset, host: Pick<Host, 'exec'>, flags: readonly string[]): Promise<void> {
  // Of a table in several blocks, each would flush what the one before it loaded.
  const argv = ['iptables-restore', '--noflush', ...flags];
  const { code, stdout, stderr } = await host.exec(argv, { input: ruleset.text });
  // Some options make it print, load nothing, and end as if all were well.
  if (code === 0 && stdout.length > 0)
    throw new LabFailure(`iptables-restore printed instead of loading: ${stdout.toString('utf8').trim()}`);
  if (code !== 0) throw refusal('iptables-restore', stderr, refusedRows(stderr, ruleset).map(inOneLine));
}

function inOneLine<T>(row: T): T & { readonly line: null } {
  return { ...row, line: null };
}

function refusal(loader: string, stderr: string, rows: RefusedRows['rows']): RefusedRows | LabFailure {
  return rows.length > 0
    ? new RefusedRows(rows)
    : new LabFailure(`${loader} can't load the ruleset: ${stderr.trim()}`);
}

/** Loads nft text as it stands; then what was loaded gets counters, in nft's own words for it. */
class Nft {
  private readonly file: string;

  constructor(
    private readonly plan: Plan,
    private readonly firewall: Pick<Host, 'exec'>,
    directory: string,
  ) {
    this.file = `${directory}/rules.nft`;
  }

  async load(): Promise<Standings> {
    const { ruleset } = this.plan.firewall;
    const [first, ...more] = transactions(ruleset.text);
    // What it prints of 20,000 rules it would look up among all there are, at each part; so only of the first.
    const echo = first ? await this.loadText(first, ruleset, ['-j', '-e', '-a']) : '';
    for (const part of more) await this.loadText(part, ruleset, []);
    const told = more.length > 0 ? null : added(echo);
    // What was added is what is there, in that order, unless the text puts rules elsewhere or takes some away.
    const listing = told && !MOVES.test(ruleset.text) ? told : await this.list();
    const rows = this.numbered((told ?? listing).rules);
    const found = standings(listing, (rule) => rows.get(ruleId(rule)) ?? null);
    await this.count(listing, more.length > 0);
    return found;
  }

  async check(): Promise<void> {
    const { ruleset } = this.plan.firewall;
    const [first, ...more] = transactions(ruleset.text);
    // Parts that need the first to be loaded are not read by themselves.
    if (first && more.length === 0) await this.loadText(first, ruleset, ['-c']);
  }

  private async loadText(
    { text, before }: Part,
    ruleset: Ruleset,
    flags: readonly string[],
  ): Promise<string> {
    const { code, stdout, stderr } = await this.run([...flags, '-f'], text);
    if (code === 0) return stdout.toString('utf8');
    // nft counts lines of what it was given.
    const rowLines = ruleset.rowLines.map((place) => ({ ...place, line: place.line - before }));
    throw refusal('nft', stderr, refusedByNft(stderr, { ...ruleset, rowLines }));
  }

  /**
   * With -j, nft 1.0.6 takes commands from a pipe only in JSON: text it passes over, and says that all is well. So
   * it gets a file.
   */
  private run(argv: readonly string[], input: string): Promise<ExecResult> {
    const script = 'file=$1; shift; cat > "$file" && exec nft "$@" "$file"';
    return this.firewall.exec(['sh', '-c', script, 'sh', this.file, ...argv], { input });
  }

  private async list(): Promise<NftListing> {
    const { code, stdout, stderr } = await this.firewall.exec(['nft', '-j', '-a', 'list', 'ruleset']);
    if (code !== 0) throw new LabFailure(`nft can't list the rules: ${stderr.trim()}`);
    return listed(stdout.toString('utf8'));
  }

  /** Rows by the rule they became: the k-th of the text is the k-th that nft added. */
  private numbered(added: readonly NftRule[]): Map<string, number> {
    const { rows, rulesAt } = this.plan.firewall;
    const own = added.filter(isOwners);
    if (own.length !== rows.length) {
      const message = `the lab tells ${rows.length} rules in them, and nft has loaded ${own.length}; write each on a line of its own, and “add” before those outside of tables`;
      throw rulesAt
        ? new RefusedRows([{ row: null, line: 0, column: 0, message }])
        : new LabFailure(`of the rules, ${message}`);
    }
    return new Map(own.map((rule, index) => [ruleId(rule), rows[index]?.row ?? 0]));
  }

  private async count(listing: NftListing, anew: boolean): Promise<void> {
    const owners = listing.rules.filter(isOwners);
    const forwarding = [...listing.forwarding.keys()];
    const policies = forwarding.map(policyCounter);
    if (!anew) return this.apply([...owners.map(withCounter), ...policies]);
    const rules = [...forwarding.map(emptied), ...owners.map(addedWithCounter), ...policies];
    for (let from = 0; from < rules.length; from += TRANSACTION) {
      const refused = await this.give(rules.slice(from, from + TRANSACTION));
      if (refused !== null) throw new LabFailure(`nft can't take its own rules with counters: ${refused}`);
    }
  }

  /**
   * Gives nft commands, each unit whole or not at all. What nft 1.0.6 lists and does not take again, such as a
   * meter, stays as it was loaded, without a counter.
   */
  private async apply(units: readonly NftCommands[]): Promise<void> {
    if (units.length === 0 || (await this.give(units)) === null || units.length === 1) return;
    const half = Math.ceil(units.length / 2);
    await this.apply(units.slice(0, half));
    await this.apply(units.slice(half));
  }

  /** @returns what nft says against them; null when it has taken them */
  private async give(units: readonly NftCommands[]): Promise<string | null> {
    const { code, stderr } = await this.run(['-j', '-f'], JSON.stringify({ nftables: units.flat() }));
    return code === 0 ? null : stderr.trim();
  }
}

/** Words by which rules come to stand elsewhere than behind the last one, or go. */
const MOVES = /\b(?:insert|delete|destroy|flush|replace|reset|rename|index|position|handle)\b/;

/** A part of a ruleset that is loaded by itself. */
interface Part {
  readonly text: string;
  /** lines that stand before it */
  readonly before: number;
}

function transactions(text: string): Part[] {
  const parts: Part[] = [];
  let before = 0;
  for (const part of text.split(`${NEXT_TRANSACTION}\n`)) {
    parts.push({ text: part, before });
    before += part.split('\n').length;
  }
  return parts;
}
