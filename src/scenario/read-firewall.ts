import { tableText } from '../firewall/faq-table/printed';
import { TIMEOUT_NAMES, type TimeoutName, type Timeouts } from '../firewall/conntrack';
import type {
  DialectContext,
  FirewallKind,
  Kernel22,
  ParsedRules,
  Policy,
  PortRange,
} from '../firewall/kinds';
import { helperOf, parseModule, refuseForeignModules, type LoadedModule } from '../firewall/modules';
import { PRODUCTS, runScript } from '../firewall/products';
import { parsePorts } from '../firewall/quantities';
import { parseRules } from '../firewall/rulesets';
import type { Complaints } from './complaints';
import type { Path } from './document';
import type { PlacedRow, Scenario } from './scenario';
import type { ScenarioFile } from './schema';

/** ipchains' word for what iptables and nftables call drop. */
const POLICY = { accept: 'accept', drop: 'drop', deny: 'drop' } as const;
/** The last of them, and what people should have run. */
const KERNEL: Kernel22 = '2.2.19';
const SCRIPTS = ['rc.sysinit', 'rc.firewall.local'] as const;

/** A text of rules, and where it stands in the scenario. */
interface Source {
  readonly path: Path;
  readonly text: string;
  /** where a place in the text is in the file; null for what stands in another file */
  readonly locate: ((line: number, column: number) => PlacedRow['position']) | null;
}

/** The firewall of a scenario: all its rule texts read and put together, its modules, its ports. */
export function readFirewall(
  data: ScenarioFile,
  names: Scenario['names'],
  complaints: Complaints,
): Scenario['firewall'] {
  const { firewall } = data;
  const product = firewall.product ?? null;
  const kind = firewall.kind ?? (product === null ? null : PRODUCTS[product].kind);
  if (kind === null) complaints.add(['firewall'], 'has neither kind nor product; one of them is needed');
  refuseOtherKernels(data, kind, complaints);
  const policy = POLICY[firewall.policy];
  const kernel = firewall.kernel ?? KERNEL;
  const script = readStartScript(data, kind, complaints);
  const scripts = readScripts(data, kind ?? 'iptables', complaints);
  const rules = readRules(
    [...tableSources(data), ...(script === null ? ruleSources(data, complaints) : []), ...scripts.sources],
    { kind: kind ?? 'iptables', names, firstRow: 1 },
    complaints,
  );
  if (rules.policy !== null && rules.policy !== policy) {
    complaints.add(
      ['firewall', 'policy'],
      `is ${firewall.policy}, but the rules set it to ${rules.policy}; they must agree`,
    );
  }
  return {
    kind: kind ?? 'iptables',
    product,
    kernel,
    nat: firewall.nat,
    policy,
    input: firewall.input ?? 'accept',
    rows: rules.rows,
    rulesAt:
      firewall.rules === undefined ? null : complaints.document.locateInText(['firewall', 'rules'], 0, 0),
    commands: rules.commands,
    script,
    translates: rules.translates,
    helper: readHelper(data, scripts.modules, { kind: kind ?? 'iptables', kernel }, complaints),
    forward: readForward(data, complaints),
    timeouts: readTimeouts(data, kind, complaints),
    secondAddress: firewall['second-address'] ?? false,
    loose: firewall.loose ?? null,
    liberal: firewall.liberal ?? null,
  };
}

/** What a start script does itself, and where else it could stand. */
const SCRIPTED = {
  tables: 'its ipchains commands',
  modules: 'modprobe in it',
  scripts: 'itself',
  forward: 'ipmasqadm portfw in it',
  input: 'ipchains -P in it',
} as const;

/** The text under `rules` where it is a start script, which its first line says as it says it to the kernel. */
function readStartScript(
  { firewall }: ScenarioFile,
  kind: FirewallKind | null,
  complaints: Complaints,
): string | null {
  const { rules } = firewall;
  const interpreter = /^#!\s*(\S*)/.exec(rules ?? '')?.[1];
  // Other kinds are told in commands alone, where that line is a comment.
  if (rules === undefined || interpreter === undefined || kind !== 'ipchains') return null;
  if (!/^\/(?:usr\/)?bin\/(?:ba)?sh$/.test(interpreter)) {
    const at = complaints.document.locateInText(['firewall', 'rules'], 0, 0);
    complaints.addAt(at, `a start script is run by #!/bin/sh or #!/bin/bash; found ${interpreter}`);
  }
  for (const [field, instead] of Object.entries(SCRIPTED)) {
    if (firewall[field as keyof typeof SCRIPTED] === undefined) continue;
    const message = `does not go with a start script, which says it all; instead: ${instead}`;
    complaints.add(['firewall', field], message);
  }
  return rules;
}

/** What only one of the two kinds of kernel has. */
function refuseOtherKernels(
  { firewall }: ScenarioFile,
  kind: FirewallKind | null,
  complaints: Complaints,
): void {
  if (kind !== 'ipchains' && firewall.kernel !== undefined) {
    complaints.add(['firewall', 'kernel'], `is for kind: ipchains; ${kind ?? 'this'} runs on today's kernel`);
  }
  if (kind === 'ipchains' && firewall.attach !== undefined) {
    complaints.add(
      ['firewall', 'attach'],
      'is a matter of today’s kernel; ip_masq_ftp attaches by being loaded',
    );
  }
}

function tableSources({ firewall }: ScenarioFile): Source[] {
  return (firewall.tables ?? []).map((name, index) => ({
    path: ['firewall', 'tables', index],
    text: tableText(name),
    locate: null,
  }));
}

function ruleSources({ firewall }: ScenarioFile, complaints: Complaints): Source[] {
  if (firewall.rules === undefined) return [];
  const path = ['firewall', 'rules'];
  const locate: Source['locate'] = (line, column) => complaints.document.locateInText(path, line, column);
  return [{ path, text: firewall.rules, locate }];
}

/** What the start scripts load and command. */
function readScripts(
  { firewall }: ScenarioFile,
  kind: FirewallKind,
  complaints: Complaints,
): { sources: Source[]; modules: LoadedModule[] } {
  const sources: Source[] = [];
  const modules: LoadedModule[] = [];
  for (const script of SCRIPTS) {
    const text = firewall.scripts?.[script];
    if (text === undefined) continue;
    const path = ['firewall', 'scripts', script];
    const locate = (line: number, column: number) => complaints.document.locateInText(path, line, column);
    const run = runScript(text, kind);
    for (const { line, column, message } of run.problems) complaints.addAt(locate(line, column), message);
    for (const module of run.modules) {
      const loaded = complaints.attempt(path, () => parseModule(module.text));
      if (loaded) modules.push(loaded);
    }
    // Each command by itself: between them stand lines that are no rules.
    for (const { line, column, text: command } of run.commands) {
      sources.push({ path, text: command, locate: (_, within) => locate(line, column + within) });
    }
  }
  return { sources, modules };
}

/** Reads all texts as one list of rows, numbered through. */
function readRules(
  sources: readonly Source[],
  context: DialectContext,
  complaints: Complaints,
): Omit<ParsedRules, 'rows' | 'problems'> & { rows: readonly PlacedRow[] } {
  const rows: PlacedRow[] = [];
  const commands: ParsedRules['commands'][number][] = [];
  let policy: Policy | null = null;
  let translates = false;
  for (const { path, text, locate } of sources) {
    const parsed = parseRules(text, { ...context, firstRow: rows.length + 1 });
    const place = (line: number, column: number) =>
      locate ? locate(line, column) : complaints.document.locate(path);
    for (const { line, column, message } of parsed.problems) complaints.addAt(place(line, column), message);
    rows.push(...parsed.rows.map((row) => ({ ...row, position: place(row.line, row.column) })));
    commands.push(...parsed.commands);
    policy = parsed.policy ?? policy;
    translates ||= parsed.translates;
  }
  return { rows, commands, policy, translates };
}

function readHelper(
  { firewall }: ScenarioFile,
  scripted: readonly LoadedModule[],
  kinds: Pick<Scenario['firewall'], 'kind' | 'kernel'>,
  complaints: Complaints,
): Scenario['firewall']['helper'] {
  const nat = firewall.nat !== 'none';
  const byDefault = firewall.product === undefined ? [] : PRODUCTS[firewall.product].modulesByDefault(nat);
  const named = (firewall.modules ?? []).flatMap((text, index) => {
    const loaded = complaints.attempt(['firewall', 'modules', index], () => parseModule(text));
    return loaded ? [loaded] : [];
  });
  const modules = [...byDefault.map(parseModule), ...named, ...scripted];
  const attach = firewall.attach ?? 'rule';
  if (firewall.attach !== undefined && modules.length === 0) {
    complaints.add(['firewall', 'attach'], 'says how modules attach, but no module is loaded');
  }
  const path = ['firewall', firewall.modules === undefined && firewall.scripts ? 'scripts' : 'modules'];
  const helper = complaints.attempt(path, () => {
    refuseForeignModules(modules, kinds);
    return helperOf(modules, nat, attach);
  });
  return helper ?? { ports: [], openedBy: 'anybody', attach };
}

function readForward({ firewall, behind }: ScenarioFile, complaints: Complaints): PortRange[] {
  if (firewall.forward && firewall.nat === 'none') {
    const message = `makes sense only with the ${behind} behind NAT`;
    complaints.add(['firewall', 'forward'], message);
  }
  return (firewall.forward ?? []).flatMap((ports, index): PortRange[] => {
    if (typeof ports === 'number') return [[ports, ports]];
    const path = ['firewall', 'forward', index];
    const range = complaints.attempt(path, () => parsePorts(ports.replaceAll(' ', ''), '-'));
    return range ? [range] : [];
  });
}

function readTimeouts(
  { firewall }: ScenarioFile,
  kind: FirewallKind | null,
  complaints: Complaints,
): Timeouts {
  const path = ['firewall', 'timeouts'];
  if (kind === 'ipchains') {
    // Linux 2.2 has no connection tracking; its masquerading has three timeouts.
    if (firewall.timeouts) complaints.add(path, `are of connection tracking; ${MASQUERADE_TIMEOUTS}`);
    for (const setting of ['loose', 'liberal'] as const) {
      if (firewall[setting] === undefined) continue;
      complaints.add(['firewall', setting], 'is of connection tracking, which Linux 2.2 has not');
    }
  }
  return readTimeoutList(path, firewall.timeouts ?? {}, complaints);
}

const MASQUERADE_TIMEOUTS = 'ipchains sets its own by a rule such as "ipchains -M -S 900 120 300"';

/** A kernel of 1000 ticks a second counts them in an int (proc_dointvec_jiffies): 24 days and some hours. */
const MAX_TIMEOUT = 24 * 86_400;

/** Timeouts of connection tracking, by their names. Each is a whole number of seconds, for the kernel counts so. */
export function readTimeoutList(
  above: Path,
  texts: Readonly<Partial<Record<TimeoutName, string | undefined>>>,
  complaints: Complaints,
): Timeouts {
  const timeouts: Partial<Record<TimeoutName, number>> = {};
  for (const name of TIMEOUT_NAMES) {
    const text = texts[name];
    if (text === undefined) continue;
    const path = [...above, name];
    const seconds = complaints.duration(path, text, MAX_TIMEOUT);
    timeouts[name] = seconds;
    if (!Number.isInteger(seconds) || seconds < 1) {
      complaints.add(path, `is ${text}; allowed: whole seconds, 1 s or more`);
    }
    if (seconds > MAX_TIMEOUT)
      complaints.add(path, `is ${text}; allowed: up to 576 h, which every kernel takes`);
  }
  return timeouts;
}
