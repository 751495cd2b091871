import type { RefusedRows } from '../host';
import type { Plan } from '../../plan/plan';

/** What the lab tells its worker in the sandbox, one JSON object a line. */
export type ToWorker =
  | { readonly type: 'plan'; readonly plan: Plan }
  /** after the result: keep evidence in this folder (null: none is wanted) and end */
  | { readonly type: 'release'; readonly evidence: string | null };

/** What the worker answers. `result` is an experiment's, opaque to the engine. */
export type FromWorker<Result> =
  | { readonly type: 'progress'; readonly text: string }
  /** the host programs are at work; about one a second at most */
  | { readonly type: 'alive' }
  | { readonly type: 'result'; readonly result: Result }
  | { readonly type: 'refused'; readonly rows: RefusedRows['rows'] }
  | { readonly type: 'missing'; readonly message: string; readonly remedy: string }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'kept'; readonly captures: readonly string[] };
