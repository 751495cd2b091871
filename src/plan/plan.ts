import type {
  ClientConfig,
  FileSpec,
  ResolverConfig,
  ServerConfig,
  TransferCommand,
} from '../agent/messages';
import type { Timeouts } from '../firewall/conntrack';
import type { Ruleset } from '../firewall/kinds';
import type { PlannedTime } from './scale-time';
import type { ClaimChecks, CommandStep, Expectation, IdleStep, ProbeStep, Scenario } from '../scenario';

/** What makes hosts out of a plan. */
export const ENGINE_NAMES = ['netns', 'docker'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** The three in a row that every lab has. */
export const MAIN_HOSTS = ['client', 'firewall', 'server'] as const;
export type MainHost = (typeof MAIN_HOSTS)[number];
/** Hosts that a scenario may add: a second one inside; one that probes, and one that knows names, outside. */
export type AddedHost = 'neighbour' | 'prober' | 'resolver';
export type HostName = MainHost | AddedHost;

/** One of each host: the three always, the others where the scenario needs them. */
export type PerHost<T> = Readonly<Record<MainHost, T>> & Readonly<Partial<Record<AddedHost, T>>>;

/** One end of a link: an interface of a host. */
export interface Interface {
  readonly name: string;
  readonly address: string;
}

export interface HostPlan {
  readonly interfaces: readonly Interface[];
  /** networks reached through a gateway; there is never a default route */
  readonly routes: readonly { readonly network: string; readonly via: string }[];
  /** kernel settings below /proc/sys, by path */
  readonly sysctls: Readonly<Record<string, string>>;
}

/** A switch of the firewall's: one of its interfaces, shared by the links of several hosts. */
export interface Bridge {
  readonly name: string;
  /** the firewall's ends of those links */
  readonly ports: readonly string[];
}

/** A pair of interfaces wired together. */
export interface Link {
  readonly a: { readonly host: HostName; readonly interface: string };
  readonly b: { readonly host: HostName; readonly interface: string };
}

export interface PlannedTransfer extends TransferCommand {
  readonly kind: 'transfer';
  readonly name: string;
  readonly mode: 'active' | 'passive';
  readonly file: FileSpec | null;
  /** what is changed at the firewall so many seconds after its begin; null: nothing */
  readonly change: (FirewallChange & { readonly at: number }) | null;
}

/** New timeouts for the firewall while it runs. */
export interface FirewallChange {
  /** seconds; of ipchains the scenario's own, for its firewall keeps the scenario's time */
  readonly timeouts: Timeouts;
  /** the same in words of the scenario's time */
  readonly words: string;
  /** kernel settings that make them, below /proc/sys, by path */
  readonly sysctls: Readonly<Record<string, string>>;
  /** the command on the firewall that makes them, instead of settings; null: none */
  readonly argv: readonly string[] | null;
}

export interface PlannedChange extends FirewallChange {
  readonly kind: 'set-timeouts';
  readonly name: string;
}

export interface PlannedProbe extends ProbeStep {
  /** the mark its packets carry: their IP identification, from 1 */
  readonly mark: number;
  readonly destination: string;
}

export type PlannedStep = PlannedTransfer | PlannedProbe | PlannedChange | IdleStep | CommandStep;

/** Whether a session needs its FTP programs, or probes alone. */
export function speaksFtp({ steps }: Pick<Plan, 'steps'>): boolean {
  return steps.some(({ kind }) => kind !== 'probe' && kind !== 'set-timeouts');
}

/** Whether the firewall's settings are changed after it was set up. */
export function changesFirewall({ steps }: Pick<Plan, 'steps'>): boolean {
  return steps.some(
    (step) => step.kind === 'set-timeouts' || (step.kind === 'transfer' && step.change !== null),
  );
}

/** Whether a plan's firewall is a Linux 2.2, a router of the lab's own, and not the host's kernel. */
export function isLinux22({ firewall }: { readonly firewall: Pick<Plan['firewall'], 'kind'> }): boolean {
  return firewall.kind === 'ipchains';
}

/** The hosts of a plan, the three first. */
export function hostNames({ hosts }: Plan): readonly HostName[] {
  return Object.keys(hosts) as HostName[];
}

/** A scenario made concrete and frozen: everything the run needs, and all that verdicts may assume. */
export interface Plan {
  readonly scenario: Pick<Scenario, 'name' | 'file' | 'title' | 'claim' | 'behind' | 'twin'>;
  readonly engine: EngineName;
  /** why the lab took this engine; null when it was asked for */
  readonly engineWhy: string | null;
  /** scenario seconds per second of the run; every time below is in seconds of the run */
  readonly timeScale: number;
  /** what the scale changed, for reports; empty at scale 1 */
  readonly times: readonly PlannedTime[];
  readonly hosts: PerHost<HostPlan>;
  readonly links: readonly Link[];
  readonly bridges: readonly Bridge[];
  readonly firewall: Pick<
    Scenario['firewall'],
    | 'kind'
    | 'product'
    | 'kernel'
    | 'nat'
    | 'policy'
    | 'input'
    | 'helper'
    | 'rows'
    | 'rulesAt'
    | 'forward'
    | 'timeouts'
  > & {
    readonly ruleset: Ruleset;
    readonly addresses: { readonly inside: string; readonly outside: string };
  };
  readonly server: ServerConfig;
  readonly client: ClientConfig;
  /** the resolver's configuration; null when no name has to be resolved */
  readonly resolver: ResolverConfig | null;
  /** what is done, in this order */
  readonly steps: readonly PlannedStep[];
  readonly transfers: readonly PlannedTransfer[];
  readonly probes: readonly PlannedProbe[];
  readonly capture: {
    readonly enabled: boolean;
    /** the kernel's buffer of each capture: it must hold a burst while tcpdump is kept waiting */
    readonly bufferKib: number;
    /** bytes kept of each packet */
    readonly snapLength: number;
  };
  readonly expect: readonly Expectation[];
  readonly claims: Readonly<Record<string, ClaimChecks>>;
}
