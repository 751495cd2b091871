import type { ReportRun } from './for-report';

/**
 * What is missing of the kernel's trace, as a sentence; null where nothing is, and where there was none to be had.
 */
export function traceGap({ trace }: ReportRun): string | null {
  if (!trace) return null;
  const { why, overflows, untold, unread } = trace;
  const gaps = [
    ...(why === null ? [] : [why]),
    ...(overflows === 0 ? [] : [`messages of the kernel were lost ${overflows} times`]),
    ...(untold === 0 ? [] : [`${untold} packets are past the number that is kept`]),
    ...(unread === 0 ? [] : [`${unread} lines are of no known form`]),
  ];
  if (gaps.length === 0) return null;
  return `The trace of the rules is incomplete (${gaps.join('; ')}): where it has nothing, causes rest on the rules’ counters.`;
}
