import { contract } from '../engine/contract';
import { describeDocker } from './engine';

describeDocker('the contract of engines, on docker', () => {
  contract('docker', (argv) => argv);
});
