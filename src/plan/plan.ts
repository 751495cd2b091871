import type { ClientConfig, FileSpec, ServerConfig, TransferCommand } from '../agent/messages';
import type { Ruleset } from '../firewall/kinds';
import type { Expectation, PlacedRow, Scenario } from '../scenario';

/** What makes hosts out of a plan. */
export const ENGINE_NAMES = ['netns', 'docker'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export const HOST_NAMES = ['client', 'firewall', 'server'] as const;
export type HostName = (typeof HOST_NAMES)[number];

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

/** A pair of interfaces wired together. */
export interface Link {
  readonly a: { readonly host: HostName; readonly interface: string };
  readonly b: { readonly host: HostName; readonly interface: string };
}

export interface PlannedTransfer extends TransferCommand {
  readonly name: string;
  readonly mode: 'active' | 'passive';
  readonly file: FileSpec | null;
}

/** A scenario made concrete and frozen: everything the run needs, and all that verdicts may assume. */
export interface Plan {
  readonly scenario: Pick<Scenario, 'name' | 'file' | 'title' | 'claim' | 'behind' | 'twin'>;
  readonly engine: EngineName;
  /** why the lab took this engine; null when it was asked for */
  readonly engineWhy: string | null;
  /** scenario seconds per real second */
  readonly timeScale: number;
  readonly hosts: Readonly<Record<HostName, HostPlan>>;
  readonly links: readonly Link[];
  readonly firewall: {
    readonly kind: Scenario['firewall']['kind'];
    readonly nat: Scenario['firewall']['nat'];
    readonly policy: Scenario['firewall']['policy'];
    readonly helperPorts: readonly number[];
    readonly rows: readonly PlacedRow[];
    readonly ruleset: Ruleset;
    readonly addresses: { readonly inside: string; readonly outside: string };
  };
  readonly server: ServerConfig;
  readonly client: ClientConfig;
  readonly transfers: readonly PlannedTransfer[];
  readonly capture: {
    readonly enabled: boolean;
    /** the kernel's buffer of each capture: it must hold a burst while tcpdump is kept waiting */
    readonly bufferKib: number;
    /** bytes kept of each packet */
    readonly snapLength: number;
  };
  readonly expect: readonly Expectation[];
  readonly claims: Readonly<Record<string, readonly Expectation[]>>;
}
