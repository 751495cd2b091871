import type { RefusedRows } from '../host';
import type { Plan } from '../../plan/plan';

/** What the lab tells its worker in the sandbox, one JSON object a line. */
export type ToWorker =
  | { readonly type: 'plan'; readonly plan: Plan }
  /** have the rules of plans read, and nothing else */
  | { readonly type: 'check'; readonly plans: readonly Plan[] }
  /** after the result: keep evidence in this folder (null: none is wanted) and end */
  | { readonly type: 'release'; readonly evidence: string | null };

/** What the worker answers. `result` is an experiment's, opaque to the engine. */
export type FromWorker<Result> =
  | { readonly type: 'progress'; readonly text: string }
  /** the host programs are at work; about one a second at most */
  | { readonly type: 'alive' }
  | { readonly type: 'result'; readonly result: Result }
  /** which of the plans to check it is about: its place among them */
  | { readonly type: 'refused'; readonly rows: RefusedRows['rows']; readonly plan: number }
  | { readonly type: 'checked' }
  | { readonly type: 'missing'; readonly message: string; readonly remedy: string }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'kept'; readonly captures: readonly string[] };
