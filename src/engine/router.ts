import type { Side } from '../linux22';
import { isLinux22, type HostName, type Plan } from '../plan/plan';
import { shortestUnstated } from '../plan/scale-time';
import type {
  RouterCommand,
  RouterConfig,
  RouterEvent,
  RouterReport,
  RowCounter,
  Started,
} from '../router/messages';
import { TOOL_DIRECTORY } from '../router/tool-directory';
import { AgentProcess } from './agent-process';
import {
  LabFailure,
  RefusedRows,
  type FirewallRouter,
  type Host,
  type HostProcess,
  type RunScript,
} from './host';
import { must } from './process';
import { runStartScript } from './start-script';

/** A Node program; on a loaded machine its start takes a while. */
const START_SECONDS = 30;
const ANSWER_SECONDS = 15;
/** Every network of the lab is a /24. */
const PREFIX = 24;
/** A veth's own (veth.c, ETH_DATA_LEN), which no wiring changes. */
const MTU = 1500;

/**
 * What keeps the firewall host's own kernel out of it: packets are dropped after the router has seen them, and
 * before anything in the kernel answers. ARP is not among them.
 */
const SILENCE = `table ip linux22 {
  chain silence {
    type filter hook prerouting priority raw; policy drop;
    iifname "lo" accept
  }
}
`;

type Told = Extract<RouterReport, { type: 'told' }>;

/** See `FirewallRouter`. */
export class Router implements FirewallRouter {
  readonly #agent: AgentProcess<RouterReport>;
  readonly #events: RouterEvent[] = [];
  #commands = 0;
  said: string | null = null;

  /** @param spawn starts the router's bundle on the firewall's host */
  private constructor(
    private readonly plan: Plan,
    private readonly directory: string,
    spawn: () => HostProcess,
  ) {
    this.#agent = new AgentProcess(spawn(), (report) => {
      if (report.type === 'event') this.#events.push(report);
    });
  }

  /** Starts it, without a configuration yet; null for a plan whose firewall is the host's own kernel. */
  static start(
    plan: Plan,
    firewall: Host,
    agent: (bundle: string) => readonly string[],
    directory: string,
  ): Router | null {
    if (!isLinux22(plan)) return null;
    return new Router(plan, directory, () =>
      firewall.spawn('the Linux 2.2 router on the firewall host', agent('router.js')),
    );
  }

  get process(): HostProcess {
    return this.#agent.process;
  }

  async load(firewall: Host, mount: RunScript): Promise<Plan['firewall']> {
    await must("silence the firewall's kernel", firewall.exec(['nft', '-f', '-'], { input: SILENCE }));
    const { kernel, ruleset, addresses } = this.plan.firewall;
    const side = (name: Side): RouterConfig['sides'][Side] => ({
      interface: name,
      address: addresses[name],
      prefix: PREFIX,
      mtu: MTU,
    });
    const starts = ruleset.loader === 'sh';
    const config: RouterConfig = {
      ...{ program: 'router', kernel },
      // A start script finds a firewall that has no rules yet.
      ruleset: starts ? { loader: 'ipchains', text: '', rowLines: [] } : ruleset,
      starts,
      sides: { inside: side('inside'), outside: side('outside') },
      timeScale: this.plan.timeScale,
      shortestTimeout: shortestUnstated(this.plan.timeScale) * this.plan.timeScale,
      directory: this.directory,
    };
    this.#agent.send(config);
    const wanted = new Set(['ready', 'refused']);
    const said = await this.#agent.next(({ type }) => wanted.has(type), START_SECONDS, 'start');
    if (said.type !== 'refused') {
      if (!starts) return this.plan.firewall;
      const started = async (): Promise<Started> => (await this.#ask('started')) as Started;
      const script = await runStartScript(this.plan, { host: firewall, mount }, this.directory, started);
      this.said = script.said;
      return script.firewall;
    }
    const { row, message } = said;
    // What is no row may be the author's too: -D, -P, -M -S.
    const source = ruleset.textLines?.find(({ line }) => line === said.line)?.source ?? null;
    if (row === null && source === null)
      throw new LabFailure(`the Linux 2.2 firewall can't load the ruleset: ${message}`);
    throw new RefusedRows([{ row, line: row === null ? source : null, message, column: 0 }]);
  }

  async counters(): Promise<readonly RowCounter[]> {
    const answer = await this.#ask('counters');
    return answer.type === 'counters' ? answer.rows : [];
  }

  async settle(): Promise<void> {
    await this.#ask('tell');
  }

  async told(): ReturnType<FirewallRouter['told']> {
    const answer = await this.#ask('tell');
    const { lost, untold } = answer as Told;
    return { lost, untold, events: this.#events };
  }

  leave(): void {
    this.#agent.leave();
  }

  #ask(what: RouterCommand['do']): Promise<RouterReport> {
    this.#commands += 1;
    const id = this.#commands;
    const answer = this.#agent.next(
      (report) => 'id' in report && report.id === id,
      ANSWER_SECONDS,
      `answer "${what}"`,
    );
    this.#agent.send({ id, do: what });
    return answer;
  }
}

/** The command that runs a program where the old firewall's tools are found by their names, on its host. */
export function withTools(plan: Plan, host: HostName, directory: string): readonly string[] {
  if (host !== 'firewall' || !isLinux22(plan)) return [];
  return ['sh', '-c', `PATH="${directory}/${TOOL_DIRECTORY}:$PATH"; export PATH; exec "$@"`, 'sh'];
}
