/** What the lab's exit code says. Fixed: scripts rely on it. */
export const EXIT = {
  held: 0,
  broken: 1,
  wrongInput: 2,
  labFailed: 3,
  cannotRun: 4,
  /** 128 + SIGINT, as shells count */
  interrupted: 130,
  terminated: 143,
} as const;
