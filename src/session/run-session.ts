import type { AgentReport, ClientCommand, ServerCommand } from '../agent/messages';
import type { Lab } from '../engine/host';
import { until } from '../engine/until';
import type { Plan } from '../plan/plan';
import { sizeText } from '../scenario/quantities';
import { AgentProcess, type HostReport } from './agent-process';

/** What became of one step, as the client program told it. Times in epoch seconds. */
export interface StepRecord {
  /** name of the transfer; null for the log-in */
  readonly transfer: string | null;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly error: string | null;
}

/** An agent is a Node program; on a loaded machine its start takes a while. */
const START_SECONDS = 30;
/** Beyond the client's own patience, before the lab takes the client for hung. */
const GRACE_SECONDS = 15;
/** How long the client's QUIT may take to reach the server. */
const CLOSE_SECONDS = 1;

/** The FTP programs of a lab, started but not yet told anything. */
export class Session {
  private readonly server: AgentProcess;
  private readonly client: AgentProcess;
  private commands = 0;
  /** control connections the server has open */
  private openControls = 0;

  constructor(
    private readonly plan: Plan,
    lab: Lab,
    onReport: (report: HostReport) => void,
  ) {
    // Both boot while the hosts are still being wired; the configuration comes after that.
    const countControls = (told: HostReport): void => {
      if (told.report.type === 'control') this.openControls += told.report.change === 'opened' ? 1 : -1;
      onReport(told);
    };
    this.server = new AgentProcess(lab, 'server', `server-${plan.server.program}`, countControls);
    this.client = new AgentProcess(lab, 'client', `client-${plan.client.program}`, onReport);
  }

  /** Rejects with a LabFailure when either program ends in mid-run. */
  get died(): Promise<never> {
    return Promise.race([this.server.died, this.client.died]);
  }

  /** Configures both programs and waits until they are ready. */
  async ready(): Promise<void> {
    const isReady = (report: AgentReport): boolean => report.type === 'ready';
    this.server.send(this.plan.server);
    this.client.send(this.plan.client);
    await Promise.all([
      this.server.next(isReady, START_SECONDS, 'start'),
      this.client.next(isReady, START_SECONDS, 'start'),
    ]);
  }

  /**
   * Logs in, runs every transfer, and leaves. A transfer that fails is recorded, not thrown; a session
   * the client gave up is opened anew for the next one, as a person would.
   *
   * @param onFailure is awaited after each failed transfer, before the next begins; its time is the client's
   * @throws LabFailure when a program dies or hangs
   */
  async run(
    onProgress: (text: string) => void,
    onFailure: (endedAt: number) => Promise<void>,
  ): Promise<readonly StepRecord[]> {
    const steps: StepRecord[] = [];
    let open = false;
    for (const transfer of this.plan.transfers) {
      if (!open) {
        onProgress('logging in');
        const login = await this.step(null, { do: 'connect' }, 0);
        steps.push(login.record);
        if (login.record.error !== null) {
          steps.push({ ...login.record, transfer: transfer.name });
          await onFailure(login.record.endedAt);
          continue;
        }
      }
      onProgress(
        `${transfer.mode} ${transfer.direction}${transfer.file ? ` of ${sizeText(transfer.file.size)}` : ''}`,
      );
      const { name, direction, command, file } = transfer;
      const done = await this.step(
        name,
        { do: 'transfer', transfer: { direction, command, file } },
        file?.lasting ?? 0,
      );
      steps.push(done.record);
      if (done.record.error !== null) await onFailure(done.record.endedAt);
      open = !done.closed;
    }
    if (open) {
      await this.step(null, { do: 'close' }, 0);
      // A close that a firewall swallows never comes, so this ends with its deadline too.
      await until(() => this.openControls === 0, CLOSE_SECONDS);
    }
    await this.synchronise();
    this.server.leave();
    this.client.leave();
    return steps;
  }

  /** Afterwards the server has reported all it saw. */
  private async synchronise(): Promise<void> {
    const id = ++this.commands;
    this.server.send({ id, do: 'sync' } satisfies ServerCommand);
    await this.server.next((report) => report.type === 'done' && report.id === id, GRACE_SECONDS, 'answer');
  }

  private async step(
    transfer: string | null,
    command: ClientCommand extends infer C ? (C extends { id: number } ? Omit<C, 'id'> : never) : never,
    lasting: number,
  ): Promise<{ record: StepRecord; closed: boolean }> {
    const id = ++this.commands;
    // Both times are the client's own, for they must fit the times of what it saw and did.
    let startedAt = 0;
    this.client.send({ id, ...command });
    const seconds = lasting + transferSeconds(this.plan) + 3 * this.plan.client.patience + GRACE_SECONDS;
    const answer = await this.client.next(
      (report) => {
        if (report.type === 'begin' && report.id === id) startedAt = report.at;
        return report.type === 'done' && report.id === id;
      },
      seconds,
      `finish "${transfer ?? command.do}"`,
    );
    if (answer.type !== 'done') throw new Error('unreachable: only "done" was asked for');
    return {
      record: { transfer, startedAt, endedAt: answer.at, error: answer.error },
      closed: answer.closed,
    };
  }
}

/** A generous bound on moving the bytes themselves: 10 MiB/s on the slowest machine worth using. */
function transferSeconds(plan: Plan): number {
  const bytes = plan.transfers.reduce((sum, { file }) => sum + (file?.size ?? 0), 0);
  return bytes / (10 * 2 ** 20);
}
