import { join } from 'node:path';
import { machineState, scratch } from '../support';
import { contract } from '../engine/contract';
import { describeTimewarp, machineCommand } from './kernel';

// The contract's program is process 1 of a machine. It is started without arguments, so it is given them by
// another that has them in it; and its exit code is in the kernel's last words.
const EXIT_CODE = `
  "$@" 2> "$0"
  cat "$0" >&2
  exit $((0x$(sed -n 's/.*Attempted to kill init! exitcode=0x0000\\(..\\)00.*/\\1/p' "$0")))`;

describeTimewarp('the contract of engines, on timewarp', (kernel) => {
  contract(
    'timewarp',
    ([, program = '', ...args]) => {
      const source = `process.argv.push(...${JSON.stringify(args)}); require(${JSON.stringify(program)});`;
      return ['sh', '-c', EXIT_CODE, join(scratch(), 'errors'), ...machineCommand(kernel(), source)];
    },
    async () => {
      // The kernel takes namespaces down after their last process.
      await new Promise((resolve) => setTimeout(resolve, 500));
      return machineState();
    },
  );
});
