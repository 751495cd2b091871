/** Milliseconds: Node's timers count in 31 bits, and one that is set for longer goes off at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Calls back after some seconds, also after more than the 24 days a timer of Node's can count. */
export function after(seconds: number, callback: () => void): { cancel(): void } {
  const deadline = performance.now() + seconds * 1000;
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const left = deadline - performance.now();
    timer = left > LONGEST_TIMER ? setTimeout(wait, LONGEST_TIMER) : setTimeout(callback, Math.max(0, left));
  };
  wait();
  return {
    cancel: () => {
      clearTimeout(timer);
    },
  };
}

/** Resolves after some seconds. */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    after(seconds, resolve);
  });
}
