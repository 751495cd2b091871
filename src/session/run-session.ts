import { countPackets } from '../agent/port-ranges';
import type { AgentReport, ClientCommand, ProbeCommand, ServerCommand } from '../agent/messages';
import { AgentProcess, type HostReport } from '../engine/agent-process';
import { LabFailure, type Lab } from '../engine/host';
import { after } from '../agent/pause';
import { until } from '../engine/until';
import {
  speaksFtp,
  type FirewallChange,
  type HostName,
  type Plan,
  type PlannedProbe,
  type PlannedStep,
  type PlannedTransfer,
} from '../plan/plan';
import type { ProbeFlags, ProbeOrigin } from '../scenario';
import { secondsText, sizeText } from '../scenario/quantities';

/** What became of one step, as the program that did it told. Times in epoch seconds. */
export interface StepRecord {
  /** name of the transfer or probe; null for what is neither */
  readonly transfer: string | null;
  /** what it was, where it was neither, e.g. "log-in" */
  readonly what?: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly error: string | null;
}

/** An agent is a Node program; on a loaded machine its start takes a while. */
const START_SECONDS = 30;
/** Beyond the client's own patience, before the lab takes the client for hung. */
const GRACE_SECONDS = 15;
/** A transfer that lasts longer is said to, for nobody likes to wait without being told. */
const SAID_SECONDS = 2;
/** How long the client's QUIT may take to reach the server. */
const CLOSE_SECONDS = 1;
/** Packets a second that the slowest machine worth using sends. */
const PROBES_PER_SECOND = 5000;

const FLAG_LETTERS: Readonly<Record<ProbeFlags, string>> = {
  SYN: 'S',
  ACK: 'A',
  'FIN+ACK': 'FA',
  'SYN+FIN': 'SF',
  'SYN+ACK': 'SA',
  RST: 'R',
  FIN: 'F',
};

type WithoutId<C> = C extends { id: number } ? Omit<C, 'id'> : never;

/** The host programs of a lab, started but not yet told anything. */
export class Session {
  /** FTP server and client; null in a session that transfers nothing */
  private readonly ftp: { readonly server: AgentProcess; readonly client: AgentProcess } | null;
  private readonly probers: ReadonlyMap<ProbeOrigin, AgentProcess>;
  private readonly resolver: AgentProcess | null;
  private commands = 0;
  /** control connections the server has open */
  private openControls = 0;
  private loggedIn = false;

  constructor(
    private readonly plan: Plan,
    private readonly lab: Lab,
    private readonly onReport: (report: HostReport) => void,
  ) {
    // All boot while the hosts are still being wired; the configuration comes after that.
    const countControls = (told: HostReport): void => {
      if (told.report.type === 'control') this.openControls += told.report.change === 'opened' ? 1 : -1;
      onReport(told);
    };
    const start = (host: HostName, bundle: string, tell = onReport): AgentProcess => {
      const place = lab.hosts[host];
      if (!place) throw new Error(`unreachable: the plan has no ${host}`);
      const process = place.spawn(`${bundle} on the ${host} host`, lab.agent(`${bundle}.js`));
      return new AgentProcess(process, (report) => {
        tell({ host, report });
      });
    };
    this.ftp = speaksFtp(plan)
      ? {
          server: start('server', `server-${plan.server.program}`, countControls),
          client: start('client', `client-${plan.client.program}`),
        }
      : null;
    const origins = new Set(plan.probes.map(({ from }) => from));
    this.probers = new Map([...origins].map((host) => [host, start(host, 'prober')]));
    this.resolver = plan.resolver && start('resolver', 'resolver');
  }

  /** Rejects with a LabFailure when any of the programs ends in mid-run. */
  get died(): Promise<never> {
    return Promise.race(this.programs.map(({ died }) => died));
  }

  /** Configures all programs and waits until they are ready. */
  async ready(): Promise<void> {
    this.ftp?.server.send(this.plan.server);
    this.ftp?.client.send(this.plan.client);
    if (this.plan.resolver) this.resolver?.send(this.plan.resolver);
    for (const [host, prober] of this.probers) {
      const address = this.plan.hosts[host]?.interfaces[0]?.address ?? '';
      prober.send({ program: 'prober', address });
    }
    await Promise.all(
      this.programs.map((program) => program.next(({ type }) => type === 'ready', START_SECONDS, 'start')),
    );
  }

  /**
   * Runs every step, logging in before the first transfer, and leaves. A transfer that fails is
   * recorded, not thrown; a session the client gave up is opened anew for the next one, as a person
   * would.
   *
   * @param onFailure is awaited after each failed transfer, before the next begins; its time is the client's
   * @throws LabFailure when a program dies or hangs
   */
  async run(
    onProgress: (text: string) => void,
    onFailure: (endedAt: number) => Promise<void>,
  ): Promise<readonly StepRecord[]> {
    const steps: StepRecord[] = [];
    for (const step of this.plan.steps) {
      if (step.kind === 'probe') {
        onProgress(`probing the ${step.to} from the ${step.from}`);
        steps.push(await this.probe(step));
        continue;
      }
      const done = await this.step(step, onProgress);
      steps.push(...done);
      const last = done.at(-1);
      if (last && last.error !== null) await onFailure(last.endedAt);
    }
    await this.leave();
    return steps;
  }

  /** What the client, or the firewall's administrator, does. */
  private async step(
    step: Exclude<PlannedStep, PlannedProbe>,
    onProgress: (text: string) => void,
  ): Promise<readonly StepRecord[]> {
    if (step.kind === 'set-timeouts') {
      onProgress(`changing the firewall's timeouts: ${step.words}`);
      return [await this.changeFirewall(step)];
    }
    const login = await this.login(onProgress);
    if (!this.loggedIn) {
      const failed = login.at(-1);
      if (!failed) throw new Error('unreachable: nobody is logged in, and nobody tried');
      return [...login, { ...failed, ...nameOf(step) }];
    }
    if (step.kind === 'transfer') return [...login, await this.transfer(step, onProgress)];
    onProgress(step.kind === 'idle' ? `idle for ${secondsText(step.seconds)}` : step.command);
    const done =
      step.kind === 'idle'
        ? await this.clientStep(null, { do: 'idle', seconds: step.seconds }, step.seconds)
        : await this.clientStep(null, { do: 'command', command: step.command }, 0);
    this.loggedIn = !done.closed;
    return [...login, { ...done.record, ...nameOf(step) }];
  }

  private async changeFirewall(change: FirewallChange): Promise<StepRecord> {
    const { timeouts, words } = change;
    const at = await this.lab.change(change);
    this.onReport({
      host: 'firewall',
      report: { type: 'timeouts', at, timeouts, words },
    });
    return {
      transfer: null,
      what: 'change of the firewall’s timeouts',
      startedAt: at,
      endedAt: at,
      error: null,
    };
  }

  private get programs(): readonly AgentProcess[] {
    return [
      ...(this.ftp ? [this.ftp.server, this.ftp.client] : []),
      ...this.probers.values(),
      ...(this.resolver ? [this.resolver] : []),
    ];
  }

  /** The log-in, where it is needed. */
  private async login(onProgress: (text: string) => void): Promise<readonly StepRecord[]> {
    if (this.loggedIn) return [];
    onProgress('logging in');
    const { record } = await this.clientStep(null, { do: 'connect' }, 0);
    this.loggedIn = record.error === null;
    return [record];
  }

  /** A transfer, as far as it gets, and what is changed at the firewall meanwhile. */
  private async transfer(
    { name, mode, direction, command, file, noopEvery, change }: PlannedTransfer,
    onProgress: (text: string) => void,
  ): Promise<StepRecord> {
    const lasting = file?.lasting ?? 0;
    const over = lasting > SAID_SECONDS ? ` over ${secondsText(lasting)}` : '';
    onProgress(`${mode} ${direction}${file ? ` of ${sizeText(file.size)}` : ''}${over}`);
    const noops = noopEvery === undefined ? {} : { noopEvery };
    const order = { do: 'transfer', transfer: { direction, command, file, ...noops } } as const;
    const running = this.clientStep(name, order, lasting);
    const changing = change ? this.changeAfter(change, running) : null;
    const [done] = await Promise.all([running, changing]);
    this.loggedIn = !done.closed;
    return done.record;
  }

  /** Changes the firewall a while after a step began, unless that is over before. */
  private async changeAfter(
    change: FirewallChange & { readonly at: number },
    step: Promise<unknown>,
  ): Promise<void> {
    const isTime = await new Promise<boolean>((resolve) => {
      const timer = after(change.at, () => {
        resolve(true);
      });
      const over = (): void => {
        timer.cancel();
        resolve(false);
      };
      step.then(over, over);
    });
    if (isTime) await this.changeFirewall(change);
  }

  private async probe(step: PlannedProbe): Promise<StepRecord> {
    const { name, mark, from, destination, flags, sourcePorts, ports } = step;
    const prober = this.probers.get(from);
    if (!prober) throw new Error(`unreachable: no prober was started on the ${from}`);
    const { record } = await this.order<ProbeCommand>(
      prober,
      {
        ...{ do: 'probe', name, mark, destination, flags: FLAG_LETTERS[flags] },
        ...{ sourcePorts, ports },
      },
      name,
      probeSeconds(step),
    );
    // What it could not send says nothing about the firewall.
    if (record.error !== null) throw new LabFailure(`the ${from} can't probe: ${record.error}`);
    return record;
  }

  private async leave(): Promise<void> {
    if (this.loggedIn) {
      await this.clientStep(null, { do: 'close' }, 0);
      // A close that a firewall swallows never comes, so this ends with its deadline too.
      await until(() => this.openControls === 0, CLOSE_SECONDS);
    }
    // Afterwards these have reported all they saw.
    const listeners = [...(this.ftp ? [this.ftp.server] : []), ...(this.resolver ? [this.resolver] : [])];
    await Promise.all(
      listeners.map((program) => this.order<ServerCommand>(program, { do: 'sync' }, null, GRACE_SECONDS)),
    );
    for (const program of this.programs) program.leave();
  }

  private clientStep(
    transfer: string | null,
    command: WithoutId<ClientCommand>,
    lasting: number,
  ): Promise<{ record: StepRecord; closed: boolean }> {
    if (!this.ftp) throw new Error('unreachable: no FTP client was started');
    return this.order<ClientCommand>(this.ftp.client, command, transfer, clientSeconds(this.plan, lasting));
  }

  /** Tells a program what to do and waits until it has done it. */
  private async order<C extends { id: number; do: string }>(
    program: AgentProcess,
    command: WithoutId<C> & { do: string },
    step: string | null,
    seconds: number,
  ): Promise<{ record: StepRecord; closed: boolean }> {
    const id = ++this.commands;
    // Both times are the program's own, for they must fit the times of what it saw and did.
    let startedAt = 0;
    const isDone = (report: AgentReport): boolean => {
      if (report.type === 'begin' && report.id === id) startedAt = report.at;
      return report.type === 'done' && report.id === id;
    };
    program.send({ id, ...command });
    const answer = await program.next(isDone, seconds, `finish "${step ?? command.do}"`);
    if (answer.type !== 'done') throw new Error('unreachable: only "done" was asked for');
    return {
      record: { transfer: step, startedAt, endedAt: answer.at, error: answer.error },
      closed: answer.closed,
    };
  }
}

/**
 * The longest a plan's programs may be at one step without a word, in seconds: by then the session itself
 * has taken them for hung.
 */
export function longestStepSeconds(plan: Plan): number {
  return Math.max(
    ...plan.steps.map((step) =>
      step.kind === 'probe' ? probeSeconds(step) : clientSeconds(plan, lastingOf(step)),
    ),
  );
}

function lastingOf(step: Exclude<PlannedStep, PlannedProbe>): number {
  if (step.kind === 'idle') return step.seconds;
  return step.kind === 'transfer' ? (step.file?.lasting ?? 0) : 0;
}

/** How long the client may take for one command that has `lasting` seconds to fill. */
function clientSeconds(plan: Plan, lasting: number): number {
  return lasting + transferSeconds(plan) + 4 * plan.client.patience + GRACE_SECONDS;
}

function probeSeconds(probe: PlannedProbe): number {
  return countPackets([probe]) / PROBES_PER_SECOND + GRACE_SECONDS;
}

function nameOf(step: Exclude<PlannedStep, PlannedProbe>): Pick<StepRecord, 'transfer' | 'what'> {
  return step.kind === 'transfer' ? { transfer: step.name } : { transfer: null, what: step.name };
}

/** A generous bound on moving the bytes themselves: 10 MiB/s on the slowest machine worth using. */
function transferSeconds(plan: Plan): number {
  const bytes = plan.transfers.reduce((sum, { file }) => sum + (file?.size ?? 0), 0);
  return bytes / (10 * 2 ** 20);
}
