import { readMessages, type AgentReport } from '../agent/messages';
import { after } from '../agent/pause';
import { howEnded, LabFailure, type HostProcess } from './host';
import type { HostName } from '../plan/plan';

/** A report, and the host it came from. */
export interface HostReport {
  readonly host: HostName;
  readonly report: AgentReport;
}

/** A host program of the lab: an agent bundle running inside its host, spoken to in JSON lines. */
export class AgentProcess<Report extends { readonly type: string } = AgentReport> {
  readonly process: HostProcess;
  /** rejects when the program ends before it was let go */
  readonly died: Promise<never>;
  private errors = '';
  private readonly waiting = new Set<{
    wants: (report: Report) => boolean;
    resolve: (report: Report) => void;
    reject: (error: Error) => void;
  }>();
  /** set once we asked it to go: from then on its end is no failure */
  private leaving = false;

  /**
   * @param process the bundle, started
   * @param onReport is told of every report as it comes
   */
  constructor(process: HostProcess, onReport: (report: Report) => void) {
    this.process = process;
    readMessages<Report>(this.process.stdout, (report) => {
      onReport(report);
      for (const waiter of this.waiting) {
        if (!waiter.wants(report)) continue;
        this.waiting.delete(waiter);
        waiter.resolve(report);
      }
    });
    this.process.stderr.on('data', (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString('utf8')).slice(-2000);
    });
    this.died = new Promise((_resolve, reject) => {
      void this.process.exited.then((exit) => {
        if (this.leaving) return;
        const message =
          `${this.process.label} ended in mid-run (${howEnded(exit)}) ${this.errors.trim()}`.trim();
        reject(new LabFailure(message));
        this.failWaiting(message);
      });
    });
    // Whoever is concerned races with it; that nobody is, for a while, is no error.
    this.died.catch(() => undefined);
  }

  send(message: object): void {
    this.process.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** The next report that fits. Rejects with a LabFailure when the program ends, or nothing comes in time. */
  next(wants: (report: Report) => boolean, seconds: number, what: string): Promise<Report> {
    return new Promise((resolve, reject) => {
      const timer = after(seconds, () => {
        this.failWaiting(`${this.process.label} did not ${what} within ${seconds} s`);
      });
      const waiter = {
        wants,
        resolve: (report: Report) => {
          timer.cancel();
          resolve(report);
        },
        reject: (error: Error) => {
          timer.cancel();
          reject(error);
        },
      };
      this.waiting.add(waiter);
    });
  }

  leave(): void {
    this.leaving = true;
  }

  private failWaiting(message: string): void {
    for (const waiter of this.waiting) {
      this.waiting.delete(waiter);
      waiter.reject(new LabFailure(message));
    }
  }
}
