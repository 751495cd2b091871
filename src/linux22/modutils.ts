import { ModuleError, type Modules } from './modules';
import type { Word } from '../firewall/words';

/** What a module tool did: what it printed, and what it sent to the system's log because of -s. */
export interface ModuleToolResult {
  readonly output: string;
  readonly code: number;
  readonly logged: readonly string[];
}

interface Tool {
  /** its exit code when something goes wrong */
  readonly failure: number;
  /** letters it takes, those that do nothing here included, and their long names */
  readonly letters: Readonly<Record<string, string>>;
  readonly run: (modules: Modules, has: (letter: string) => boolean, names: readonly string[]) => string;
}

const ANY = { s: 'syslog', v: 'verbose', q: 'quiet', k: 'autoclean' } as const;
const EXAMPLE = 'which module? e.g. modprobe ip_masq_ftp ports=21,2121';

/** The tools of modutils 2.3. */
const TOOLS: Readonly<Record<string, Tool>> = {
  modprobe: {
    failure: 255,
    letters: { ...ANY, a: 'all', r: 'remove', n: 'show' },
    run: (modules, has, names) => {
      if (has('r')) return remove(modules, names);
      const how = { verbose: has('v'), autoclean: has('k'), dry: has('n') };
      const [name, ...options] = names;
      if (name === undefined) throw new ModuleError(EXAMPLE);
      if (!has('a')) return load(modules, name, options, how);
      const option = options.find((word) => word.includes('='));
      if (option !== undefined) throw new ModuleError(`${option} does not go with -a, which takes modules`);
      return names.map((one) => load(modules, one, [], how)).join('');
    },
  },
  insmod: {
    failure: 1,
    letters: { ...ANY, f: 'force', m: 'map', p: 'probe', x: 'noexport', X: 'export' },
    run: (modules, has, [name, ...options]) => {
      if (name === undefined) throw new ModuleError(EXAMPLE);
      return load(modules, name, options, { verbose: false, autoclean: has('k'), dry: has('p') });
    },
  },
  rmmod: {
    failure: 1,
    letters: { s: 'syslog', v: 'verbose', a: 'all', r: 'stacks' },
    run: (modules, has, names) => {
      if (has('a')) modules.clean();
      else if (has('r')) return remove(modules, names);
      for (const name of names) modules.unload(nameOf(name));
      return '';
    },
  },
};

/** Runs modprobe, insmod or rmmod; `-s` has what is wrong go to the system's log. */
export function runModuleTool(name: string, words: readonly Word[], modules: Modules): ModuleToolResult {
  const tool = TOOLS[name];
  if (!tool) throw new Error(`"${name}" is no tool of modutils; known: ${Object.keys(TOOLS).join(', ')}`);
  const texts = words.map(({ text }) => text);
  const letters = new Set<string>();
  try {
    for (const text of texts) for (const letter of lettersOf(text, tool)) letters.add(letter);
    const has = (letter: string): boolean => letters.has(letter);
    const names = texts.filter((text) => !text.startsWith('-'));
    return { output: tool.run(modules, has, names), code: 0, logged: [] };
  } catch (error) {
    const said = `${name}: ${error instanceof Error ? error.message : String(error)}`;
    if (letters.has('s')) return { output: '', code: tool.failure, logged: [said] };
    const isQuiet = letters.has('q') && said.includes("Can't locate");
    return { output: isQuiet ? '' : `${said}\n`, code: tool.failure, logged: [] };
  }
}

function lettersOf(text: string, { letters }: Tool): string[] {
  if (!text.startsWith('-')) return [];
  const known = Object.entries(letters);
  const found = text.startsWith('--')
    ? known.filter(([, long]) => text === `--${long}`).map(([letter]) => letter)
    : text.slice(1).split('');
  const unknown = found.find((letter) => !Object.hasOwn(letters, letter));
  if (found.length > 0 && unknown === undefined) return found;
  const allowed = known.map(([letter, long]) => `-${letter} (--${long})`).join(', ');
  throw new ModuleError(
    `invalid option ${unknown === undefined ? text : `-${unknown}`}; allowed: ${allowed}`,
  );
}

/** A path is taken, too. */
function nameOf(text: string): string {
  return text.split('/').at(-1)?.replace(/\.o$/, '') ?? text;
}

function load(
  modules: Modules,
  text: string,
  options: readonly string[],
  {
    verbose,
    autoclean,
    dry,
  }: { readonly verbose: boolean; readonly autoclean: boolean; readonly dry: boolean },
): string {
  const name = nameOf(text);
  const missing = modules.missingFor(name);
  if (!dry) modules.load(name, options, autoclean);
  if (!verbose) return '';
  const own = options.length > 0 ? ` ${options.join(' ')}` : '';
  return missing.map((one) => `/sbin/insmod ${modules.pathOf(one)}${one === name ? own : ''}\n`).join('');
}

/** With what they needed, as far as nobody else does; without names what cleans itself. */
function remove(modules: Modules, names: readonly string[]): string {
  if (names.length === 0) modules.clean();
  for (const name of names) modules.unloadStack(nameOf(name));
  return '';
}
