import type { ComponentChildren, VNode } from 'preact';
import { rangesText } from '../../agent/port-ranges';
import type { HostName } from '../../plan/plan';
import type { ReportRun } from '../for-report';
import { helperLine } from '../topology';

/** The hosts in a row, on a phone in a column, with the firewall's two legs between them. */
export function TopologyFigure({ topology }: { topology: ReportRun['topology'] }): VNode {
  const { behind } = topology;
  const far = behind === 'client' ? 'server' : 'client';
  const side = (hosts: readonly HostName[]): VNode => (
    <div class="side">
      {hosts
        .filter((host) => topology.hosts[host] !== undefined)
        .map((host) => (
          <Host key={host} name={host}>
            {host === 'client' || host === 'server' ? <span>{topology[host]}</span> : null}
            <code>{address(topology, host, 0)}</code>
          </Host>
        ))}
    </div>
  );
  return (
    <figure class="topology">
      <div class="hosts">
        {side([behind, 'neighbour'])}
        <Wire leg="inside" />
        <Host name="firewall">
          <FirewallFacts topology={topology} />
          <span class="legs">
            <code>{address(topology, 'firewall', 0)}</code>
            <code>{address(topology, 'firewall', 1)}</code>
          </span>
        </Host>
        <Wire leg="outside" />
        {side([far, 'prober', 'resolver'])}
      </div>
      <figcaption>
        The {behind} is behind the firewall: {address(topology, 'firewall', 0)} is the firewall’s address
        inside, {address(topology, 'firewall', 1)} outside.
      </figcaption>
    </figure>
  );
}

function address({ hosts }: ReportRun['topology'], host: HostName, index: number): string {
  return hosts[host]?.interfaces[index]?.address ?? 'no address';
}

function Host({ name, children }: { name: HostName; children: ComponentChildren }): VNode {
  return (
    <div class="host">
      <strong>{name}</strong>
      {children}
    </div>
  );
}

function FirewallFacts({ topology }: { topology: ReportRun['topology'] }): VNode {
  const { kind, product, nat, policy, forward } = topology;
  return (
    <>
      <span>
        {kind}
        {product === null ? '' : ` as ${product}`}, policy {policy}
      </span>
      <span>{nat === 'none' ? 'no NAT' : 'masquerading'}</span>
      <span>{helperLine(topology.helper)}</span>
      {forward.length > 0 ? <span>forwards port {rangesText(forward)}</span> : null}
    </>
  );
}

function Wire({ leg }: { leg: string }): VNode {
  return (
    <div class="wire">
      <span>{leg}</span>
    </div>
  );
}
