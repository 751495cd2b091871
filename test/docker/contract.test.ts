import Dockerode from 'dockerode';
import { readdirSync } from 'node:fs';
import { contract } from '../engine/contract';
import { describeDocker } from './engine';

const docker = new Dockerode();

describeDocker('the contract of engines, on docker', () => {
  contract(
    'docker',
    (argv) => argv,
    async () => {
      const [containers, { Volumes }, networks] = await Promise.all([
        docker.listContainers({ all: true }),
        docker.listVolumes(),
        docker.listNetworks(),
      ]);
      const links = readdirSync('/sys/class/net');
      return [containers.map(({ Names }) => Names), Volumes, networks.map(({ Id }) => Id).sort(), links];
    },
  );
});
