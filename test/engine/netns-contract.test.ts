import { sandboxCommand } from '../../src/engine/netns/sandbox';
import { machineState } from '../support';
import { contract } from './contract';

contract('netns', sandboxCommand, async () => {
  // The kernel takes namespaces down after their last process.
  await new Promise((resolve) => setTimeout(resolve, 500));
  return machineState();
});
