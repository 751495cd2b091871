import { spawn } from 'node:child_process';
import type { RunResult } from '../src/verdict/run-result';
import { LAB, ROOT } from './support';

/** What of a run time must not matter for, however it is scaled: every check, and what was transferred. */
export interface Comparable {
  readonly outcome: string;
  readonly reason: string | null;
  readonly expectations: readonly { readonly text: string; readonly held: boolean }[];
  readonly claims: readonly { readonly id: string; readonly verdict: string; readonly checks: unknown }[];
  readonly transfers: readonly unknown[];
  readonly survived: boolean;
  readonly diagnosis: readonly { readonly code: string; readonly transfer: string }[];
  readonly leaks: boolean;
}

export function comparable(run: RunResult): Comparable {
  return {
    outcome: run.outcome,
    reason: run.reason,
    expectations: run.expectations.map(({ text, held }) => ({ text, held })),
    claims: run.claims.map(({ id, verdict, checks }) => ({
      ...{ id, verdict },
      checks: checks.map(({ text, held }) => ({ text, held })),
    })),
    transfers: run.transfers.map(({ name, bytes, complete, finalReply, error, data }) => ({
      ...{ name, bytes, complete, finalReply, failed: error !== null },
      data: data && { dialledBy: data.dialledBy, reached: data.reached },
    })),
    survived: run.control.survived,
    diagnosis: run.diagnosis.map(({ code, transfer }) => ({ code, transfer })),
    leaks: run.events.some(
      (event) => event.kind === 'packet' && event.leg === 'outside' && event.source.startsWith('10.'),
    ),
  };
}

/** By how much two moments may differ, in the scenario's seconds: the start of programs is no part of a scale. */
export function moment(run: RunResult): { expiredAt: number | null; give: number } {
  return { expiredAt: run.control.expiredAtSeconds, give: run.timeScale };
}

/** Runs scenarios that may take long, and shows what the lab has to say meanwhile. */
export function longRuns(...args: string[]): Promise<readonly RunResult[]> {
  const child = spawn(process.execPath, [LAB, 'run', '--json', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (text === '') reject(new Error(`no document (exit ${code ?? '?'})`));
      else resolve((JSON.parse(text) as { runs: RunResult[] }).runs);
    });
  });
}
