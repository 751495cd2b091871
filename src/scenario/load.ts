import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { helperPorts, parseModule } from '../firewall/modules';
import { CLAIMS } from './claims';
import { readDocument, type Path, type ScenarioDocument } from './document';
import { parseExpectation, type Expectation } from './expectations';
import { InputError, type Problem } from './problem';
import { bytesOf, secondsOf } from './quantities';
import type { PlacedRow, Scenario, TransferStep } from './scenario';
import { scenarioSchema, type ScenarioFile } from './schema';
import { shapeProblems } from './shape-problems';

/** Largest file of a session; the whole session moves at most this much. */
const MAX_SIZE = 4 * 2 ** 30;
const PATIENCE_SECONDS = 3;

/**
 * Reads a scenario file and checks everything that can be checked without running it.
 *
 * @throws InputError naming every problem with its line and column
 */
export function loadScenario(file: string): Scenario {
  const document = readDocument(file);
  const parsed = scenarioSchema.safeParse(document.data, { reportInput: true });
  if (!parsed.success) {
    throw new InputError(file, shapeProblems(document, parsed.error.issues), document.source);
  }
  return new Reader(document, parsed.data).read();
}

/** Reads the parts of a well-shaped file, and collects what is wrong with their meaning. */
class Reader {
  private readonly problems: Problem[] = [];

  constructor(
    private readonly document: ScenarioDocument,
    private readonly data: ScenarioFile,
  ) {}

  read(): Scenario {
    const { data } = this;
    const networks = {
      inside: (data.inside ?? (data.firewall.nat === 'none' ? '198.51.100.0/24' : '10.0.0.0/24')).replace(
        '.0/24',
        '',
      ),
      outside: '203.0.113',
    };
    if (networks.inside === networks.outside) this.problem(['inside'], 'is the outside network');
    const sides = {
      client: data.behind === 'client' ? networks.inside : networks.outside,
      server: data.behind === 'server' ? networks.inside : networks.outside,
    };
    const session = this.session();
    const scenario: Scenario = {
      name: basename(this.document.file).replace(/\.ya?ml$/, ''),
      file: this.document.file,
      title: data.title,
      claim: data.claim,
      behind: data.behind,
      tags: data.tags ?? [],
      twin: this.twin(),
      networks,
      firewall: this.firewall(networks),
      server: this.server(sides.server),
      client: this.client(sides.client),
      patience: data.patience === undefined ? PATIENCE_SECONDS : this.duration(['patience'], data.patience),
      session,
      expect: this.expectations(['expect'], data.expect, session),
      claims: this.claims(session),
    };
    if (this.problems.length > 0) {
      throw new InputError(this.document.file, this.problems, this.document.source);
    }
    return scenario;
  }

  private problem(path: Path, message: string): void {
    const what = path.map((part) => (typeof part === 'number' ? part + 1 : String(part))).join('.');
    this.problems.push({ position: this.document.locate(path), message: `${what} ${message}` });
  }

  /** Runs a parser of ours and files its complaint under the path. */
  private attempt<T>(path: Path, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      this.problem(
        path,
        `: ${error instanceof Error ? error.message : String(error)}`.replace(/^: /, 'is wrong: '),
      );
      return undefined;
    }
  }

  private duration(path: Path, text: string): number {
    const seconds = secondsOf(text);
    if (seconds > 86_400 * 7) this.problem(path, `is ${text}; allowed: up to 168 h`);
    if (path[0] === 'patience' && seconds < 0.1) this.problem(path, `is ${text}; allowed: 100 ms or more`);
    return seconds;
  }

  private twin(): string | null {
    const { twin } = this.data;
    if (twin === undefined) return null;
    if (!/^[a-z0-9-]+$/.test(twin) || !existsSync(join(dirname(this.document.file), `${twin}.yaml`))) {
      this.problem(['twin'], `is "${twin}", but there is no ${twin}.yaml beside this file`);
    }
    return twin;
  }

  private session(): TransferStep[] {
    const steps: TransferStep[] = [];
    let total = 0;
    this.data.session.forEach((step, index) => {
      const kinds = (['download', 'upload', 'list'] as const).filter((kind) => step[kind] !== undefined);
      const [direction] = kinds;
      if (kinds.length !== 1 || !direction) {
        this.problem(['session', index], 'is not one transfer; allowed: one of download, upload, list');
        return;
      }
      const path = ['session', index, direction];
      const fields = step[direction];
      if (!fields) return;
      const command = fields.command ?? (fields.mode === 'passive' ? 'PASV' : 'PORT');
      if (['PASV', 'EPSV'].includes(command) !== (fields.mode === 'passive')) {
        const known = fields.mode === 'passive' ? 'PASV, EPSV' : 'PORT, EPRT';
        this.problem([...path, 'command'], `is ${command}; allowed in ${fields.mode} mode: ${known}`);
      }
      const size = 'size' in fields ? bytesOf(fields.size) : 0;
      total += size;
      if (total > MAX_SIZE) this.problem(path, 'brings the session over 4 GiB, the most it may move');
      const lasting =
        'lasting' in fields && fields.lasting !== undefined
          ? this.duration([...path, 'lasting'], fields.lasting)
          : 0;
      steps.push({ name: fields.name ?? '', direction, mode: fields.mode, command, size, lasting });
    });
    return this.named(steps);
  }

  /** Unnamed transfers are called by their direction, or by mode and direction where that is not enough. */
  private named(steps: readonly TransferStep[]): TransferStep[] {
    const alone = (step: TransferStep): boolean =>
      steps.filter((other) => other.direction === step.direction).length === 1;
    const named = steps.map((step) => ({
      ...step,
      name: step.name || (alone(step) ? step.direction : `${step.mode} ${step.direction}`),
    }));
    named.forEach((step, index) => {
      if (named.findIndex((other) => other.name === step.name) < index) {
        this.problem(['session', index], `is a second transfer called "${step.name}"; give it a name`);
      }
    });
    return named;
  }

  private expectations(
    path: Path,
    sentences: readonly string[],
    session: readonly TransferStep[],
  ): Expectation[] {
    return sentences.flatMap((text, index) => {
      const found = this.attempt([...path, index], () => parseExpectation(text, session));
      return found ? [found] : [];
    });
  }

  private claims(session: readonly TransferStep[]): Record<string, Expectation[]> {
    const claims: Record<string, Expectation[]> = {};
    for (const [id, sentences] of Object.entries(this.data.claims ?? {})) {
      if (!Object.hasOwn(CLAIMS, id)) {
        const position = this.document.locate(['claims'], id);
        this.problems.push({ position, message: `unknown claim "${id}"; known: C01 to C55` });
      }
      claims[id] = this.expectations(['claims', id], sentences, session);
    }
    return claims;
  }

  private firewall(networks: Scenario['networks']): Scenario['firewall'] {
    const { firewall, behind } = this.data;
    const modules = (firewall.modules ?? []).flatMap((text, index) => {
      const loaded = this.attempt(['firewall', 'modules', index], () => parseModule(text));
      return loaded ? [loaded] : [];
    });
    const ports = this.attempt(['firewall', 'modules'], () => helperPorts(modules, firewall.nat !== 'none'));
    if (firewall.forward && (behind !== 'server' || firewall.nat === 'none')) {
      this.problem(['firewall', 'forward'], 'makes sense only with the server behind NAT');
    }
    const timeouts: Record<string, number> = {};
    for (const [state, text] of Object.entries(firewall.timeouts ?? {})) {
      if (text === undefined) continue;
      const path = ['firewall', 'timeouts', state];
      const seconds = this.duration(path, text);
      timeouts[state] = seconds;
      // nf_conntrack_tcp_timeout_* are whole seconds.
      if (!Number.isInteger(seconds) || seconds < 1) {
        this.problem(path, `is ${text}; allowed: whole seconds, 1 s or more`);
      }
    }
    return {
      kind: firewall.kind,
      nat: firewall.nat,
      policy: firewall.policy,
      rows: this.rows(firewall.rules ?? '', networks),
      helperPorts: ports ?? [],
      forward: firewall.forward ?? [],
      timeouts,
    };
  }

  /** The rule lines; blank ones and comments are no rows. nft itself checks their grammar before the run. */
  private rows(text: string, networks: Scenario['networks']): PlacedRow[] {
    const rows: PlacedRow[] = [];
    text.split('\n').forEach((line, index) => {
      const rule = line.replace(/#.*$/, '').trim();
      if (rule === '') return;
      const at = (column: number) => this.document.locateInText(['firewall', 'rules'], index, column);
      const position = at(line.length - line.trimStart().length);
      rows.push({ row: rows.length + 1, text: rule, position });
      if (/[{}].*[;]|^\s*(?:table|chain|include|define|flush|delete|add)\b/.test(rule)) {
        this.problems.push({
          position,
          message: `"${rule}" is not a rule; allowed: one nft rule a line, for the forward chain`,
        });
      }
      for (const match of line.matchAll(/\b(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}\b/g)) {
        if (match[1] === networks.inside || match[1] === networks.outside) continue;
        const message = `address ${match[0]} is outside the topology; allowed: ${networks.inside}.0/24 and ${networks.outside}.0/24`;
        this.problems.push({ position: at(match.index), message });
      }
      this.checkPorts(line, at);
    });
    return rows;
  }

  private checkPorts(line: string, at: (column: number) => Problem['position']): void {
    for (const ports of line.matchAll(/\b[sd]port\s+(?:!=\s*)?(\{[^}]*\}|[\d\s-]+)/g)) {
      const offset = ports.index + ports[0].length - (ports[1] ?? '').length;
      for (const range of (ports[1] ?? '').matchAll(/(\d+)(?:\s*-\s*(\d+))?/g)) {
        const problem = portRangeProblem(Number(range[1]), Number(range[2] ?? range[1]));
        if (problem) this.problems.push({ position: at(offset + range.index), message: problem });
      }
    }
  }

  private server(network: string): Scenario['server'] {
    const server = typeof this.data.server === 'string' ? { program: this.data.server } : this.data.server;
    const [low = 0, high = 0] = (server['passive-ports'] ?? '50000-50099').split('-').map(Number);
    const problem = portRangeProblem(low, high);
    if (problem) this.problem(['server', 'passive-ports'], `is wrong: ${problem}`);
    return {
      program: server.program,
      port: server.port ?? 21,
      passivePorts: [low, high],
      address: this.hostAddress(['server', 'address'], server.address ?? `${network}.20`, network),
    };
  }

  private client(network: string): Scenario['client'] {
    const client = typeof this.data.client === 'string' ? { program: this.data.client } : this.data.client;
    return {
      program: client.program,
      address: this.hostAddress(['client', 'address'], client.address ?? `${network}.10`, network),
    };
  }

  private hostAddress(path: Path, address: string, network: string): string {
    const host = Number(address.split('.').at(-1));
    if (!address.startsWith(`${network}.`) || host > 254 || host < 2) {
      this.problem(path, `is ${address}, outside the topology; allowed: ${network}.2 to ${network}.254`);
    }
    return address;
  }
}

function portRangeProblem(low: number, high: number): string | null {
  const bad = [low, high].find((port) => port < 1 || port > 65535);
  if (bad !== undefined) return `port ${bad} is out of range; allowed: 1 to 65535`;
  if (low > high) return `port range ${low}-${high} is upside down; did you mean ${high}-${low}?`;
  return null;
}
