import type { VNode } from 'preact';
import { countPorts, portsOf, rangesText, toRanges } from '../../agent/port-ranges';
import type { PortRange } from '../../firewall/kinds';
import { sizeText } from '../../scenario/quantities';
import type { ProbeResult, TransferResult } from '../../verdict/run-result';
import { cut } from '../escape';
import type { ReportRun } from '../for-report';
import { Badge, Scroll, Section } from './parts';

/** What was transferred: the file, the final reply and the data connection are three facts. */
export function TransfersSection({ transfers }: { transfers: ReportRun['transfers'] }): VNode | null {
  if (transfers.length === 0) return null;
  return (
    <Section id="transfers" title="Transfers">
      <Scroll label="Table: transfers">
        <table>
          <caption class="unseen">Transfers</caption>
          <thead>
            <tr>
              {['Transfer', 'How', 'File', 'Final reply', 'Data connection', 'Seconds', 'Client said'].map(
                (title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {transfers.map((transfer) => (
              <TransferRow key={transfer.name} transfer={transfer} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}

function TransferRow({ transfer }: { transfer: TransferResult }): VNode {
  const { name, mode, direction, command, bytes, expectedBytes, complete, finalReply, seconds, error } =
    transfer;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        {mode} {direction} ({command})
      </td>
      <td>
        <Badge tone={complete ? 'good' : 'bad'}>{complete ? 'complete' : 'incomplete'}</Badge>{' '}
        {sizeText(bytes)} of {expectedBytes === null ? 'unknown' : sizeText(expectedBytes)}
      </td>
      <td>{finalReply ?? 'none'}</td>
      <td>{dataText(transfer.data)}</td>
      <td class="number">{seconds.toFixed(2)}</td>
      <td class="free">{error ?? ''}</td>
    </tr>
  );
}

function dataText(data: TransferResult['data']): string {
  if (data === null) return 'nobody dialled';
  const { dialledBy, sourcePort, destinationPort, reached } = data;
  const way = `${dialledBy} dialled ${sourcePort} → ${destinationPort}`;
  return reached ? way : `${way}, never arrived`;
}

/** What probes reached: the exposure of what is behind the firewall, by the port they came from. */
export function ProbesSection({ probes }: { probes: ReportRun['probes'] }): VNode | null {
  if (probes.length === 0) return null;
  return (
    <Section
      id="probes"
      title="Exposure"
      note="Of the ports that were probed, those on which the probe came out on the far side of the firewall."
    >
      {probes.map((probe) => (
        <ProbeTable key={probe.name} probe={probe} />
      ))}
    </Section>
  );
}

function ProbeTable({ probe: { name, from, to, flags, exposure } }: { probe: ProbeResult }): VNode {
  const title = `${name}: ${flags} from the ${from} to the ${to}`;
  return (
    <Scroll label={`Table: ${title}`}>
      <table class="exposure">
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">From port</th>
            <th scope="col">Arrived</th>
            <th scope="col">At ports</th>
            <th scope="col">Did not arrive at</th>
          </tr>
        </thead>
        <tbody>
          {exposure.map(({ sourcePort, sent, arrived }) => (
            <tr key={sourcePort}>
              <th scope="row">{sourcePort}</th>
              <td>
                {countPorts(arrived)} of {countPorts(sent)}
              </td>
              <td class="free">{portsText(arrived)}</td>
              <td class="free">{portsText(without(sent, arrived))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The ports of some ranges that are not in others. */
function without(ranges: readonly PortRange[], taken: readonly PortRange[]): PortRange[] {
  const gone = new Set(taken.flatMap(portsOf));
  return toRanges(ranges.flatMap(portsOf).filter((port) => !gone.has(port)));
}

/** Ranges as text; of a great many, the first. */
function portsText(ranges: readonly PortRange[]): string {
  return cut(rangesText(ranges), 2000);
}
