import Dockerode from 'dockerode';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';

// The heavy libraries, a bundle of their own (lab/build.mjs): they are loaded only where containers are
// used. Nothing else of the lab may be imported here, or it would exist twice.

export { Dockerode, getContainerRuntimeClient };

/** What a container of the lab is made of. */
export interface ContainerSpec {
  readonly image: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  /** all others are dropped; who has any is root, for to another user the engine gives none that take effect */
  readonly capabilities: readonly string[];
  /** sees the processes of all containers and may enter their namespaces */
  readonly administrator: boolean;
  /** the engine is Podman */
  readonly podman: boolean;
}

/**
 * A container that lives as long as its standard input: when the lab hangs up, by kill -9 too, its
 * entry point reads the end of its input and ends, and the engine removes it.
 */
export class HostContainer extends GenericContainer {
  constructor(spec: ContainerSpec) {
    super(spec.image);
    this.withName(spec.name)
      .withLabels(spec.labels)
      .withEntrypoint([...spec.entrypoint])
      .withNetworkMode('none')
      // The tools of an old firewall are made and run there.
      .withTmpFs({ '/run/lab': 'rw,exec,nosuid,nodev,mode=1777' })
      .withDroppedCapabilities('ALL')
      .withAddedCapabilities(...spec.capabilities)
      // A one-time look at no ports: the container is up when it runs, what it runs the lab starts.
      .withWaitStrategy(Wait.forListeningPorts())
      // The engine removes it, and so testcontainers must not. Its reaper would publish a port.
      .withAutoRemove(false)
      .withAutoCleanup(false);
    // What it prints goes to the lab alone.
    this.hostConfig.LogConfig = { Type: 'none', Config: {} };
    this.hostConfig.AutoRemove = true;
    // A namespace of its own all the same, without the engine's hook that looks after it.
    this.createOpts.NetworkDisabled = true;
    this.createOpts.OpenStdin = true;
    this.createOpts.StdinOnce = true;
    // The image's health check is for those who start it by hand.
    this.createOpts.Healthcheck = { Test: ['NONE'] };
    if (spec.capabilities.length > 0) this.withUser('root');
    if (!spec.administrator) {
      this.withSecurityOpt('no-new-privileges');
      return;
    }
    this.withSecurityOpt('seccomp=unconfined', 'apparmor=unconfined');
    this.hostConfig.PidMode = 'host';
    // /proc/sys writable, as the command line's systempaths=unconfined has it.
    Object.assign(this.hostConfig, { MaskedPaths: [], ReadonlyPaths: [] });
    // Podman pays no heed to that, and Docker would refuse this.
    if (spec.podman) this.withSecurityOpt('unmask=ALL');
  }
}
