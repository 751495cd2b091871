import { sandboxCommand } from '../../src/engine/netns/sandbox';
import { Box } from '../box';
import { contract } from './contract';

let box: Box;
beforeAll(async () => {
  box = await Box.make();
});

contract(
  'netns',
  (argv) => box.command(sandboxCommand(argv)),
  async () => {
    await box.quiet();
    return box.state();
  },
  () => box.scratch(),
);
