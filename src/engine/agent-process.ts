import { readMessages, type AgentReport, type MissingReport } from '../agent/messages';
import type { HostName } from '../plan/plan';
import { howEnded, LabFailure, MissingCapability, type HostProcess } from './host';

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
      if (isMissing(report)) this.failWaiting(new MissingCapability(report.message, report.remedy));
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
        this.failWaiting(new LabFailure(message));
      });
    });
    // Whoever is concerned races with it; that nobody is, for a while, is no error.
    this.died.catch(() => undefined);
  }

  send(message: object): void {
    this.process.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /**
   * The next report that fits. Rejects with a LabFailure when the program ends or nothing comes in time, with a
   * MissingCapability when it cannot work here.
   */
  next(wants: (report: Report) => boolean, seconds: number, what: string): Promise<Report> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.failWaiting(new LabFailure(`${this.process.label} did not ${what} within ${seconds} s`));
      }, seconds * 1000);
      const waiter = {
        wants,
        resolve: (report: Report) => {
          clearTimeout(timer);
          resolve(report);
        },
        reject: (error: Error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.waiting.add(waiter);
    });
  }

  leave(): void {
    this.leaving = true;
  }

  private failWaiting(error: Error): void {
    for (const waiter of this.waiting) {
      this.waiting.delete(waiter);
      waiter.reject(error);
    }
  }
}

function isMissing(report: { readonly type: string }): report is MissingReport {
  return report.type === 'missing';
}
