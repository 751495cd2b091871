import type { Chains } from './chains';
import { checkPacket } from './check-packet';
import { ipmasqadm } from './ipmasqadm';
import { listChains, type ListFormat } from './list-rules';
import type { RowNumber } from './kernel-rule';
import { listMasquerade } from './list-masquerade';
import type { MasqueradeTable } from './masquerade-table';
import type { Modules } from './modules';
import { runModuleTool } from './modutils';
import type { PortForwards } from './portfw';
import { restoreChains, saveChains } from './save-restore';
import type { Switches } from './switches';
import { parseCheck, parseIpchains } from '../firewall/ipchains/parse';
import type { IpchainsCommand } from '../firewall/ipchains/rule';
import { Arguments, type FlagName } from '../firewall/ipchains/options';
import { collectUses } from '../firewall/ipchains/uses';
import type { RuleProblem } from '../firewall/kinds';
import { ruleLines, words, type Word } from '../firewall/words';

/** What a tool printed, on both its outputs, and its exit code. */
export interface ToolResult {
  readonly output: string;
  readonly code: number;
  /** what of it stood on its standard output, where that is not all, though it succeeded */
  readonly standardOutput?: string;
}

/** What the tools work on. */
export interface Workbench {
  readonly chains: Chains;
  readonly table: MasqueradeTable;
  readonly forwards: PortForwards;
  readonly modules: Modules;
  readonly switches: Switches;
  /** writes a line to the system's log */
  readonly log: (line: string) => void;
  /** values of names a command may write with a `$` */
  readonly names: Readonly<Record<string, string>>;
  /** seconds */
  readonly now: number;
  /** what stands on the tool's standard input; only ipchains-restore reads it */
  readonly input: string;
  /**
   * asked for each command that makes rules or sets a policy: the row of the owner's rules it is, or the policy;
   * null: neither
   */
  readonly rowOf: (command: IpchainsCommand) => RowNumber | null;
}

const VERSION = 'ipchains 1.3.9, 17-Mar-1999\n';
const PARAMETER_PROBLEM = 2;

type Tool = (args: readonly Word[], line: string, bench: Workbench) => ToolResult;

const TOOLS: Readonly<Record<string, Tool>> = {
  ipchains: (args, line, bench) => runIpchains(args, line, bench),
  'ipchains-save': (args, _, { chains }) => runSave(args, chains),
  'ipchains-restore': (args, _, bench) => runRestore(args, bench),
  ipmasqadm: (args, _, { forwards, modules }) =>
    attempt('ipmasqadm', PARAMETER_PROBLEM, () => ipmasqadm(args, forwards, modules)),
  modprobe: (args, _, bench) => moduleTool('modprobe', args, bench),
  insmod: (args, _, bench) => moduleTool('insmod', args, bench),
  rmmod: (args, _, bench) => moduleTool('rmmod', args, bench),
  depmod: () => ({ output: '', code: 0 }),
  lsmod: (_args, _line, { modules }) => ({ output: modules.list(), code: 0 }),
  echo: (args) => ({ output: `${printed(args)}\n`, code: 0 }),
};

/** Runs one command line; a comment or an empty line does nothing. */
export function runLine(text: string, bench: Workbench): ToolResult {
  const results = ruleLines(text).map((line) => runOne(line.text, bench));
  const [only, ...others] = results;
  if (only && others.length === 0) return only;
  return {
    output: results.map(({ output }) => output).join(''),
    code: results.find(({ code }) => code !== 0)?.code ?? 0,
  };
}

function runOne(text: string, bench: Workbench): ToolResult {
  const file = /^(\S*echo(?:\s.*?)?)(\s*)>>?\s*([^\s>&]+)$/.exec(
    text.replace(/\s*2>\s*(?:\/dev\/null|&1)/, ''),
  );
  if (file) return echoTo(file[3] ?? '', file[1] ?? '', file[2] !== '', bench);
  // The FAQ's start script sends errors away: 2>/dev/null.
  const line = text.replace(/\s*\d?>>?\s*\S+/g, '');
  const [first, ...args] = words(line);
  const name = first?.text.split('/').at(-1) ?? '';
  const tool = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined;
  if (!tool)
    return { output: `${name}: command not found; known: ${Object.keys(TOOLS).join(', ')}\n`, code: 127 };
  const result = tool(args, line, bench);
  if (!/2>\s*\/dev\/null/.test(text)) return result;
  return { output: result.code === 0 ? (result.standardOutput ?? result.output) : '', code: result.code };
}

const SWITCHES = '/proc/sys/net/ipv4/';

function printed(args: readonly Word[]): string {
  const texts = args.map(({ text }) => text);
  return texts.slice(/^-[neE]+$/.test(texts[0] ?? '') ? 1 : 0).join(' ');
}

/** `echo 1 > /proc/sys/net/ipv4/ip_forward`; other files there are not. */
function echoTo(path: string, command: string, isApart: boolean, { switches }: Workbench): ToolResult {
  const [, ...args] = words(command);
  // Without a blank a shell takes the last digit for a descriptor, and an empty line is written.
  const isDescriptor = !isApart && /\s\d$/.test(command);
  if (path === '/dev/null') return { output: '', code: 0 };
  const wrong = path.startsWith(SWITCHES)
    ? switches.set(path.slice(SWITCHES.length), printed(isDescriptor ? args.slice(0, -1) : args))
    : `there are no files here but those of ${SWITCHES}`;
  if (wrong === null) return { output: '', code: 0 };
  const hint = isDescriptor ? '; the ">" needs a blank before it' : '';
  return { output: `echo: ${path}: ${wrong}${hint}\n`, code: 1 };
}

/** Does something that may fail, and says what went wrong as the tool does: its name in front. */
function attempt(name: string, failure: number, task: () => string): ToolResult {
  return attemptResult(name, failure, () => ({ output: task(), code: 0 }));
}

function attemptResult(name: string, failure: number, task: () => ToolResult): ToolResult {
  try {
    return task();
  } catch (error) {
    return { output: `${name}: ${error instanceof Error ? error.message : String(error)}\n`, code: failure };
  }
}

function moduleTool(tool: string, args: readonly Word[], { modules, log }: Workbench): ToolResult {
  const { output, code, logged } = runModuleTool(tool, args, modules);
  for (const line of logged) log(line);
  return { output, code };
}

function runIpchains(args: readonly Word[], line: string, bench: Workbench): ToolResult {
  const uses = collectUses(new Arguments(args, () => undefined), () => undefined);
  const has = (name: FlagName): boolean => uses.has(name);
  if (has('version')) return { output: VERSION, code: 0 };
  const { chains, table, now } = bench;
  const context = { names: bench.names, chains: chains.userChains(), services: true };
  if (has('check')) return runCheck(line, context, chains);
  const {
    commands: [command],
    problems,
  } = parseIpchains(line, context);
  if (problems.length > 0 || !command) return complain(problems);
  if (command.kind === 'list-masquerade')
    return {
      output: listMasquerade(table, now, { verbose: has('verbose'), numeric: has('numeric') }),
      code: 0,
    };
  return attempt('ipchains', 1, () => {
    const format: ListFormat = {
      verbose: has('verbose'),
      numeric: has('numeric'),
      exact: has('exact'),
      lineNumbers: has('line-numbers'),
    };
    // -L -Z prints what it then sets to zero.
    const listed = has('list')
      ? listChains(chains, command.kind === 'list' ? command.chain : null, format)
      : '';
    apply(command, bench);
    return listed;
  });
}

/** Commands that make rules, or set a policy: what these count is somebody's. */
const COUNTING: readonly IpchainsCommand['kind'][] = ['append', 'insert', 'replace', 'policy'];

function runSave(args: readonly Word[], chains: Chains): ToolResult {
  const texts = args.map(({ text }) => text);
  const wrong = texts.find((text) => /^-./.test(text) && text !== '-v');
  const names = texts.filter((text) => !text.startsWith('-'));
  return attemptResult('ipchains-save', 1, () => {
    if (wrong !== undefined || names.length > 1)
      throw new Error(`"${wrong ?? names[1]}" is too much; allowed: ipchains-save [-v] [CHAIN]`);
    const { saved, told } = saveChains(chains, names[0] ?? null, texts.includes('-v'));
    return told === ''
      ? { output: saved, code: 0 }
      : { output: `${told}${saved}`, standardOutput: saved, code: 0 };
  });
}

function runRestore(args: readonly Word[], bench: Workbench): ToolResult {
  return attempt('ipchains-restore', 1, () => {
    const wrong = args.find(({ text }) => !/^-[fvp]+$/.test(text));
    if (wrong) {
      throw new Error(
        `"${wrong.text}" is too much; allowed: ipchains-restore [-f] [-v] [-p], with the rules on its standard input`,
      );
    }
    const letters = args.map(({ text }) => text.slice(1)).join('');
    const has = (letter: string): boolean => letters.includes(letter);
    const options = { flush: has('f'), preserve: has('p'), verbose: has('v') };
    return restoreChains(bench.input, bench.chains, options, bench.names, (command) => {
      apply(command, bench);
    });
  });
}

function complain(problems: readonly RuleProblem[]): ToolResult {
  const said = problems.map(({ message, column }) => `ipchains: column ${column + 1}: ${message}\n`);
  return { output: said.join(''), code: PARAMETER_PROBLEM };
}

function runCheck(line: string, context: Parameters<typeof parseCheck>[1], chains: Chains): ToolResult {
  const { chain, rule, problems } = parseCheck(line, context);
  if (problems.length > 0 || chain === null || !rule) return complain(problems);
  return attempt('ipchains', PARAMETER_PROBLEM, () => `${checkPacket(chains, chain, rule)}\n`);
}

function apply(command: IpchainsCommand, { chains, table, rowOf }: Workbench): void {
  if (command.kind !== 'timeouts') {
    chains.apply(command, COUNTING.includes(command.kind) ? rowOf(command) : null);
    return;
  }
  // ip_masq.c, ip_fw_masq_timeouts: these three and no others; 0 keeps what there is.
  const { tcp, tcpFin, udp } = command;
  if (tcp > 0) table.timeouts.ESTABLISHED = tcp;
  if (tcpFin > 0) table.timeouts.FIN_WAIT = tcpFin;
  if (udp > 0) table.timeouts.UDP = udp;
}
