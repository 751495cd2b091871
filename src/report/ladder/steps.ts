import { sizeText } from '../../scenario/quantities';
import type { TransferResult } from '../../verdict/run-result';
import type { ReportRun } from '../for-report';
import { labelText } from './label';
import { FIREWALL, type Wire } from './lanes';
import type { LaneName, MarkRow, SectionRow } from './types';

/** Where steps of the session begin. */
export function sectionRows(run: ReportRun): SectionRow[] {
  const steps = run.events.filter((event) => event.kind === 'step');
  return steps
    .filter(({ phase }) => phase === 'begin')
    .map(({ at, transfer: name }) => {
      const transfer = run.transfers.find((one) => one.name === name);
      const probe = run.probes.find((one) => one.name === name);
      const text = transfer
        ? transferText(transfer)
        : probe
          ? `${probe.flags} probes from the ${probe.from} to the ${probe.to}`
          : '';
      return {
        kind: 'section',
        at,
        step: labelText(name ?? 'log-in', 40),
        name: labelText(headOf(name, transfer), 60),
        text: labelText(text),
        likeness: transfer ? likenessOf(transfer) : null,
      };
    });
}

/** What a step is called, and what it is where its name does not say. */
function headOf(name: string | null, transfer: TransferResult | undefined): string {
  if (name === null) return 'log-in';
  if (!transfer) return name;
  const { mode, direction } = transfer;
  return name === direction ? `${mode} ${name}` : `${name}: ${mode} ${direction}`;
}

function transferText({ bytes, expectedBytes, finalReply, complete }: TransferResult): string {
  const amount =
    expectedBytes === null || bytes === expectedBytes
      ? sizeText(bytes)
      : `${sizeText(bytes)} of ${sizeText(expectedBytes)}`;
  const state = complete ? `${amount}, complete` : amount;
  return `${state}, ${finalReply === null ? 'no final reply' : `reply ${finalReply}`}`;
}

/** Transfers that went well in the same way look alike. */
function likenessOf({ mode, direction, complete, finalReply, command }: TransferResult): string | null {
  return complete ? `${mode} ${direction} ${command} ${finalReply ?? 'none'}` : null;
}

/** What the programs did that no packet shows: listening, looking up a name, giving up. */
export function programMarks(run: ReportRun, wire: Wire): MarkRow[] {
  return run.events.flatMap((event): MarkRow[] => {
    const lane = laneAt(event.vantage, wire);
    if (event.kind === 'data' && lane && (event.change === 'listening' || event.change === 'failed')) {
      const failed = event.change === 'failed';
      const text = failed
        ? `data connection failed: ${labelText(event.error ?? 'no reason given', 100)}`
        : `listens on ${labelText(event.local ?? 'a port', 60)}`;
      return [{ kind: 'mark', at: event.at, lane, text, tone: failed ? 'bad' : 'plain' }];
    }
    if (event.kind === 'name' && event.vantage === 'client' && lane) {
      const found = event.address === null ? (event.error ?? 'no address') : `is ${event.address}`;
      const text = labelText(
        `${event.name} ${event.address === null ? '→' : ''} ${found}`.replace(/ +/g, ' '),
        100,
      );
      return [{ kind: 'mark', at: event.at, lane, text, tone: event.address === null ? 'bad' : 'plain' }];
    }
    if (event.kind === 'step' && event.phase === 'end' && event.error !== null && event.transfer !== null) {
      const text = `${labelText(event.transfer, 40)} gives up: ${labelText(event.error, 100)}`;
      return [{ kind: 'mark', at: event.at, lane: 'client', text, tone: 'bad' }];
    }
    return [];
  });
}

function laneAt(vantage: string, wire: Wire): LaneName | undefined {
  const lanes = wire.lanes.map(({ name }) => name);
  return lanes.find((lane) => lane === vantage && lane !== FIREWALL.inside && lane !== FIREWALL.outside);
}
