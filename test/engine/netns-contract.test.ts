import { sandboxCommand } from '../../src/engine/netns/sandbox';
import { contract } from './contract';

contract('netns', sandboxCommand);
