import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ToolResult } from '../linux22';
import { TOOL_DIRECTORY } from './tool-directory';

/** Programs of the old firewall that can be typed on its host. */
const TOOLS = ['ipchains', 'ipmasqadm', 'modprobe', 'insmod', 'rmmod', 'lsmod'];
const SOCKET = 'router.sock';
/** Longer than any command line a person types. */
const LONGEST_LINE = 65_536;

/** What a tool asks for, as one line of JSON. */
export interface ToolRequest {
  readonly argv: readonly string[];
}

/**
 * Makes the tools: small programs in a directory for the PATH, which hand their arguments to this router.
 *
 * @param directory the router's own
 * @param client the script that does the handing over
 * @param run what is done with a command line
 */
export async function serveTools(
  directory: string,
  client: string,
  run: (line: string) => ToolResult,
): Promise<void> {
  const path = join(directory, SOCKET);
  const server = createServer((socket) => {
    answer(socket, run);
  });
  // A tool that breaks off is no business of the router's.
  server.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  const bin = join(directory, TOOL_DIRECTORY);
  mkdirSync(bin, { recursive: true });
  for (const tool of TOOLS) {
    const words = [process.execPath, client, path, tool].map(quoted).join(' ');
    const file = join(bin, tool);
    writeFileSync(file, `#!/bin/sh\nexec ${words} "$@"\n`);
    chmodSync(file, 0o755);
  }
}

function answer(socket: Socket, run: (line: string) => ToolResult): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('error', () => undefined);
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > LONGEST_LINE) socket.destroy();
    const end = text.indexOf('\n');
    if (end < 0 || socket.destroyed) return;
    socket.end(JSON.stringify(obey(text.slice(0, end), run)));
  });
}

function obey(text: string, run: (line: string) => ToolResult): ToolResult {
  try {
    const { argv } = JSON.parse(text) as ToolRequest;
    // One command a line, and blanks between words: none of the tools' arguments has any of its own.
    return run(argv.map((word) => word.replace(/\s+/g, ' ')).join(' '));
  } catch (error) {
    return { output: `the firewall can't do that: ${String(error)}\n`, code: 1 };
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
