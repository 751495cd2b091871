import type { BusyProcess } from '../busiest';
import type { RefusedRows } from '../host';
import type { Plan } from '../../plan/plan';

/** What the lab tells its worker in the sandbox, one JSON object a line. */
export type ToWorker =
  | { readonly type: 'plan'; readonly plan: Plan }
  /** after the result: keep evidence in this folder (null: none is wanted) and end */
  | { readonly type: 'release'; readonly evidence: string | null }
  /** at any time: which process is it that keeps the processor busy? */
  | { readonly type: 'busiest' };

/** What the worker answers. `result` is an experiment's, opaque to the engine. */
export type FromWorker<Result> =
  /** it listens: what is said before may be lost, where there is a console in between */
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'busiest'; readonly process: BusyProcess | null }
  | { readonly type: 'result'; readonly result: Result }
  | { readonly type: 'refused'; readonly rows: RefusedRows['rows'] }
  | { readonly type: 'missing'; readonly message: string; readonly remedy: string }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'kept'; readonly captures: readonly string[] };
