import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { stopsPackets, type IpchainsCommand } from '../firewall/ipchains/dialect';
import type { RowNumber, ToolResult } from '../linux22';
import type { StartedRow, ScriptFailure } from './messages';
import { OLD_ROOT, TRACE_FILE } from './tool-directory';

/** Of a trace its end is read; commands are shorter. */
const TAIL = 16_384;

/** Says which row of the firewall a command is. */
export type RowOf = (command: IpchainsCommand) => RowNumber | null;

/** What a start script has typed so far: its rules are the firewall's rows, wherever a loop or a variable made them. */
export class StartScript {
  readonly rows: StartedRow[] = [];
  readonly failures: ScriptFailure[] = [];
  readonly #trace: string;

  /** @param directory the router's own */
  constructor(directory: string) {
    this.#trace = join(directory, OLD_ROOT, TRACE_FILE);
  }

  /** The line of the script that is being run, from 0; the first before there is any. */
  #line(): number {
    const lines = [...tail(this.#trace).matchAll(/^\++(\d+):/gm)];
    return Number(lines.at(-1)?.[1] ?? 1) - 1;
  }

  /**
   * Runs a tool the script has typed.
   *
   * @param command what it has typed, variables filled in
   * @param run is given what says which row of the firewall each of its commands is
   */
  type(command: string, run: (rowOf: RowOf) => ToolResult): ToolResult {
    const line = this.#line();
    const before = this.rows.length;
    const result = run((rule) => {
      // Which policies count is known when the script has ended.
      if (rule.kind === 'policy') return null;
      const row = this.rows.length + 1;
      this.rows.push({ row, text: rule.text, line, stops: stopsPackets(rule) });
      return row;
    });
    if (result.code !== 0) {
      this.failures.push({ line, command, message: result.output.trim() });
      // Of ipchains-restore the lines before the wrong one are in force; of all else nothing is.
      if (this.rows.length - before === 1) this.rows.length = before;
    }
    return result;
  }
}

function tail(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, TAIL));
    return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, size - bytes.length));
  } finally {
    closeSync(descriptor);
  }
}
