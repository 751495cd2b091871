export type { Expectation, CheckName } from './expectations';
export type {
  ClaimChecks,
  CommandStep,
  IdleStep,
  KeepAlive,
  PlacedRow,
  ProbeFlags,
  ProbeOrigin,
  ProbeStep,
  ProbeTarget,
  Scenario,
  SessionStep,
  TransferStep,
} from './scenario';
export type { CauseCode } from './cause-codes';
export { CAUSE_CODES } from './cause-codes';
export { ADDED_HOSTS, SECOND_ADDRESS } from './scenario';
export { ALL_PORTS } from './read-session';
