import { chmodSync, constants, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { describeErrno, type SystemCalls } from '../agent/system-calls';
import type { ToolResult } from '../linux22';
import { TOOL_DIRECTORY } from './tool-directory';

/** Programs of the old firewall that can be typed on its host, and whether each reads its standard input. */
const TOOLS: Readonly<Record<string, boolean>> = {
  ipchains: false,
  'ipchains-save': false,
  'ipchains-restore': true,
  ipmasqadm: false,
  modprobe: false,
  insmod: false,
  rmmod: false,
  lsmod: false,
  depmod: false,
  ifconfig: false,
};
/** Longer than any command line a person types, and any set of rules. */
const LONGEST_INPUT = 4 * 2 ** 20;

/**
 * Makes the tools: small programs in a directory for the PATH, which hand their arguments to this router.
 *
 * They are shell, for a start script runs a hundred of them, and each start of Node is ten of theirs. A tool
 * writes its words to a file, its own number to the pipe `requests`, and reads the answer from a pipe of its own: its
 * code, how much of it is for each output, and that. It has opened that pipe before, so that nobody ever waits for
 * another end.
 *
 * @param directory the router's own
 * @param run what is done with a command line, and what stood on the tool's standard input
 *
 * @throws an Error when they cannot be made
 */
export function serveTools(
  directory: string,
  calls: SystemCalls,
  run: (line: string, input: string) => ToolResult,
): void {
  const tools = join(directory, TOOL_DIRECTORY);
  mkdirSync(tools, { recursive: true });
  const requests = join(tools, 'requests');
  if (calls.mkfifo(requests, 0o600) < 0)
    throw new Error(`can't make ${requests}: ${describeErrno(calls.errno()).text}`);
  for (const [tool, readsInput] of Object.entries(TOOLS)) {
    const file = join(tools, tool);
    writeFileSync(file, toolScript(tools, readsInput));
    chmodSync(file, 0o755);
  }
  // For reading and writing: then it never ends, however many tools come and go.
  const pipe = openSync(requests, constants.O_RDWR | constants.O_NONBLOCK);
  const socket = new Socket({ fd: pipe, readable: true, writable: false });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = `${text}${chunk}`.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (/^\d{1,10}$/.test(line)) answer(join(tools, line), run);
  });
}

function toolScript(tools: string, readsInput: boolean): string {
  return `#!/bin/sh
d='${tools.replaceAll("'", "'\\''")}'
r=$d/$$
if ! kill -0 ${process.pid} 2> /dev/null; then
  echo "\${0##*/}: the firewall does not answer: it has ended" >&2
  exit 1
fi
rm -f "$r".*
mkfifo -m 600 "$r.answer" && exec 3<> "$r.answer" || exit 1
printf '%s\\n' "\${0##*/}" "$@" > "$r.words"
${readsInput ? 'cat > "$r.input"\n' : ''}echo $$ > "$d/requests"
read -r code errors output <&3
test "$errors" = 0 || head -c "$errors" <&3 >&2
test "$output" = 0 || head -c "$output" <&3
rm -f "$r".*
exit "$code"
`;
}

/** @param request what the files of one tool begin with */
function answer(request: string, run: (line: string, input: string) => ToolResult): void {
  const { output, code, standardOutput = code === 0 ? output : '' } = obey(request, run);
  // What stands on the error output stands in front.
  const text = Buffer.from(output);
  const length = Buffer.byteLength(standardOutput);
  try {
    const pipe = openSync(`${request}.answer`, constants.O_WRONLY | constants.O_NONBLOCK);
    const socket = new Socket({ fd: pipe, readable: false, writable: true });
    // A tool that breaks off is no business of the router's.
    socket.on('error', () => undefined);
    socket.write(`${code} ${text.length - length} ${length}\n`);
    socket.end(text);
  } catch {
    // Nor is one that is gone.
  }
}

function obey(request: string, run: (line: string, input: string) => ToolResult): ToolResult {
  try {
    // One command a line, and blanks between words: none of the tools' arguments has any of its own.
    const line = read(`${request}.words`).trim().replace(/\s+/g, ' ');
    const [tool = ''] = line.split(' ', 1);
    return run(line, TOOLS[tool] === true ? read(`${request}.input`) : '');
  } catch (error) {
    return { output: `the firewall can't do that: ${String(error)}\n`, code: 1 };
  }
}

function read(file: string): string {
  const text = readFileSync(file, 'utf8');
  if (text.length > LONGEST_INPUT) throw new Error(`more than ${LONGEST_INPUT} characters`);
  return text;
}
