import { connect } from 'node:net';
import type { ToolResult } from '../linux22';
import type { ToolRequest } from './tools';

// A tool of the old firewall: `router-tool.js SOCKET TOOL ARGUMENTS…` has the running router do what is said,
// prints what that says, and ends with its code.
const [path = '', ...argv] = process.argv.slice(2);
const request: ToolRequest = { argv };
let answer = '';

const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
socket.setEncoding('utf8');
socket.on('data', (chunk: string) => (answer += chunk));
socket.once('error', (error) => {
  process.stderr.write(`${argv[0] ?? 'tool'}: the firewall does not answer: ${error.message}\n`);
  process.exitCode = 1;
});
socket.once('end', () => {
  const { output, code } = JSON.parse(answer) as ToolResult;
  (code === 0 ? process.stdout : process.stderr).write(output);
  process.exitCode = code;
});
