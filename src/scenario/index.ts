export type { Expectation, CheckName } from './expectations';
export type { PlacedRow, Scenario, TransferStep } from './scenario';
