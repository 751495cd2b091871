import { rangesText } from '../agent/port-ranges';
import type { HostReport } from '../engine/agent-process';
import type { StepRecord } from '../session/run-session';
import type { RawEvent } from './event';

/** A host program's report as an event; null for what is only between the lab and the program. */
export function reportEvent({ host, report }: HostReport): RawEvent | null {
  const vantage = host === 'firewall' ? 'lab' : host;
  switch (report.type) {
    case 'line': {
      const { at, direction, line, peer } = report;
      return {
        kind: 'ftp-line',
        at,
        vantage,
        text: `${direction === 'command' ? '>' : '<'} ${line}`,
        direction,
        line,
        peer,
      };
    }
    case 'control': {
      const { at, change, peer } = report;
      return {
        kind: 'control',
        at,
        vantage,
        text: `control connection with ${peer} ${change}`,
        change,
        peer,
      };
    }
    case 'data': {
      const { at, change, local, remote, written, read, error } = report;
      const ends = [local, remote].filter((end) => end !== null).join(' ↔ ');
      const text = `data connection ${change} ${ends}${error === null ? '' : `: ${error}`}`.trim();
      return { kind: 'data', at, vantage, text, change, local, remote, written, read, error };
    }
    case 'file': {
      const { at, name, role, bytes, sha256, whole } = report;
      const text = `${role} ${name}: ${bytes} bytes, SHA-256 ${sha256.slice(0, 16)}…${whole ? '' : ', broken off'}`;
      return { kind: 'file', at, vantage, text, file: name, role, bytes, sha256, whole };
    }
    case 'resolved': {
      const { at, name, address, error } = report;
      const text = `${name} ${address === null ? `is not resolved: ${error ?? ''}` : `is ${address}`}`;
      return { kind: 'name', at, vantage, text, name, address, transport: null, error };
    }
    case 'query': {
      const { at, name, transport, peer } = report;
      const text = `${peer} asks for ${name} over ${transport.toUpperCase()}`;
      return { kind: 'name', at, vantage, text, name, address: null, transport, error: null };
    }
    case 'probed': {
      const { from, name, destination, flags, sourcePort, ports, packets } = report;
      const text = `${name}: sent ${flags} from port ${sourcePort} to ${destination} ports ${rangesText(ports)}`;
      return {
        ...{ kind: 'probe', at: from, vantage, text, probe: name, leg: null },
        ...{ flags, sourcePort, ports, packets },
      };
    }
    case 'timeouts': {
      const { at, timeouts, words } = report;
      return {
        kind: 'timeouts',
        at,
        vantage: 'lab',
        text: `the firewall's timeouts are now ${words}`,
        timeouts,
      };
    }
    case 'log':
      return { kind: 'log', at: report.at, vantage, text: report.line, line: report.line };
    default:
      return null;
  }
}

/** Begin and end of a step. */
export function stepEvents({ transfer, what, startedAt, endedAt, error }: StepRecord): RawEvent[] {
  const name = transfer ?? what ?? 'log-in';
  return [
    {
      kind: 'step',
      at: startedAt,
      vantage: 'lab',
      text: `${name} begins`,
      transfer,
      phase: 'begin',
      error: null,
    },
    {
      kind: 'step',
      at: endedAt,
      vantage: 'lab',
      text: error === null ? `${name} ends` : `${name} ends: ${error}`,
      transfer,
      phase: 'end',
      error,
    },
  ];
}
