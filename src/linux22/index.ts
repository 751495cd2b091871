export type { EntryView, End } from './entry';
export type { Event22, Listener22, PacketSummary, Refusal } from './events';
export {
  Firewall22,
  type Firewall22Options,
  RefusedCommand,
  type RuleCounter,
  type Sent,
  type Typing,
} from './firewall22';
export type { InterfaceAddress, Side } from './routes';
export { KERNELS, type Kernel22 } from '../firewall/kinds';
export { FIRST_PORT, GIVEN_LIMIT, LAST_PORT, TABLE_LIMIT, type EntryChange } from './masquerade-table';
export type { ForwardView } from './portfw';
export type { RowNumber } from './kernel-rule';
export { STATES, type State } from './states';
export { WORKING_SWITCHES } from './switches';
export type { ToolResult } from './tools';
