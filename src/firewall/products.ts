import type { FirewallKind, RuleProblem } from './kinds';
import { parseModule } from './modules';
import { ruleLines, type RuleLine } from './words';

/** What a NetMAX release ships, as far as FTP is concerned (the FAQ's claims C49, C50 and C55). */
export interface Product {
  readonly kind: Exclude<FirewallKind, 'nftables'>;
  readonly kernel: '2.2' | '2.4';
  /** FTP modules it loads by itself, given whether an interface has NAT; each as after modprobe */
  modulesByDefault(nat: boolean): readonly string[];
  /** where its owner adds lines of his own */
  readonly startScript: 'rc.sysinit' | 'rc.firewall.local';
  /** what it loads and what is left to its owner, as a sentence */
  readonly loads: string;
}

/** Every NetMAX release the lab knows, by the name scenarios use. */
export const PRODUCT_NAMES = [
  'netmax-2.x',
  'netmax-3.x',
  'netmax-4.0',
  'netmax-4.01',
  'netmax-4.02',
] as const;
export type ProductName = (typeof PRODUCT_NAMES)[number];

const BARE_4: Product = {
  kind: 'iptables',
  kernel: '2.4',
  modulesByDefault: () => [],
  startScript: 'rc.firewall.local',
  loads: 'Loads no FTP module; modprobe lines for ip_conntrack_ftp and ip_nat_ftp go into rc.firewall.local.',
};

export const PRODUCTS: Readonly<Record<ProductName, Product>> = {
  'netmax-2.x': {
    kind: 'ipchains',
    kernel: '2.2',
    modulesByDefault: () => [],
    startScript: 'rc.sysinit',
    loads: 'Ships ip_masq_ftp but does not load it; a modprobe line goes into rc.sysinit.',
  },
  'netmax-3.x': {
    kind: 'ipchains',
    kernel: '2.2',
    // Without masquerading it has nothing to work on.
    modulesByDefault: (nat) => (nat ? ['ip_masq_ftp'] : []),
    startScript: 'rc.sysinit',
    loads: 'Loads ip_masq_ftp by itself.',
  },
  'netmax-4.0': BARE_4,
  'netmax-4.01': BARE_4,
  'netmax-4.02': {
    kind: 'iptables',
    kernel: '2.4',
    modulesByDefault: (nat) => (nat ? ['ip_conntrack_ftp', 'ip_nat_ftp'] : []),
    startScript: 'rc.firewall.local',
    loads: 'Loads ip_conntrack_ftp and ip_nat_ftp by itself when an interface has NAT.',
  },
};

/** A piece of a line, and where it begins: line and column from 0. */
export interface PlacedText {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** What a start script does, as far as it is run here. */
export interface ScriptRun {
  /** each as after modprobe, for {@link parseModule} */
  readonly modules: readonly PlacedText[];
  /** the kind's own commands, beginning with its tool, for the kind's dialect */
  readonly commands: readonly PlacedText[];
  readonly problems: readonly RuleProblem[];
}

/** The program that takes the commands of each kind. */
const TOOLS: Readonly<Record<FirewallKind, string>> = {
  ipchains: 'ipchains',
  iptables: 'iptables',
  nftables: 'nft',
};

/** What scripts put behind a command to keep the start quiet. */
const QUIET = /(?:\s+(?:[12]?>\s*\/dev\/null|2>&1|&>\s*\/dev\/null))+$/;

/**
 * Runs lines of rc.sysinit or rc.firewall.local: modprobe and insmod, and commands of the kind's own tool,
 * each with `/sbin/` in front or without. It is no shell: whatever else the lines hold is a problem.
 */
export function runScript(text: string, kind: FirewallKind): ScriptRun {
  const modules: PlacedText[] = [];
  const commands: PlacedText[] = [];
  const problems: RuleProblem[] = [];
  for (const line of ruleLines(text)) {
    const [, path = '', tool = '', blanks = '', rest = ''] =
      /^(\/sbin\/)?(\S+)(\s*)(.*)$/.exec(line.text.replace(QUIET, '')) ?? [];
    const column = line.column + path.length;
    if (tool === TOOLS[kind]) {
      commands.push({ text: `${tool}${blanks}${rest}`, line: line.line, column });
    } else if (tool === 'modprobe' || tool === 'insmod') {
      const module = { text: rest, line: line.line, column: column + tool.length + blanks.length };
      const problem = moduleProblem(module);
      if (problem) problems.push(problem);
      else modules.push(module);
    } else problems.push(notRun(line, kind));
  }
  return { modules, commands, problems };
}

function moduleProblem({ text, line, column }: PlacedText): RuleProblem | null {
  try {
    parseModule(text);
    return null;
  } catch (error) {
    return { line, column, message: error instanceof Error ? error.message : String(error) };
  }
}

function notRun({ text, line, column }: RuleLine, kind: FirewallKind): RuleProblem {
  const run = `modprobe NAME [ports=...], insmod NAME [ports=...], ${TOOLS[kind]} ..., comments`;
  return { line, column, message: `"${text}" is not run here; lines that are: ${run}` };
}
