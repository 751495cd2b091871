import { parseIpchains } from './parse';
import { isBuiltIn, type IpchainsCommand } from './rule';
import type { FirewallSpec, Policy, Ruleset } from '../kinds';

const TARGET: Readonly<Record<Policy, string>> = { accept: 'ACCEPT', drop: 'DENY' };

/** As shipped the kernel sends nothing on that is for others. */
const FORWARDING = 'echo 1 > /proc/sys/net/ipv4/ip_forward';

/**
 * The start script of a Linux 2.2 firewall: forwarding, policies, the helper module, the owner's commands in their order,
 * and after them what the lab adds. Masquerading and the accept rules for the inside come last so that the
 * owner's rule numbers, a `-F`, and rules of their own about the inside mean what they mean on a real firewall.
 *
 * Where `spec.policy` stands: ipchains passes a forwarded packet through input, forward and output. The
 * policy stands in the chains where the owner filters: on forward if the rules are there; on input and
 * output, for the interface `outside`, if rules are there or if there are none (the FAQ's model). If
 * the commands set a policy themselves, that one stands. Since on the outside interface the chain input
 * sees packets before masquerading is undone, 2.2 cannot tell packets to be forwarded from those to the
 * firewall itself, and there `spec.policy` wins over `spec.input`.
 *
 * @throws an Error when ports are forwarded and `spec.names` has no firewall_outside
 */
export function ipchainsRuleset(spec: FirewallSpec): Ruleset {
  const model = modelOf(spec);
  const added = model.outside && !model.own.has('input') && spec.policy !== spec.input;
  const lines: string[] = [
    FORWARDING,
    `ipchains -P input ${TARGET[spec.input]}`,
    `ipchains -P output ${TARGET[model.outside ? spec.policy : 'accept']}`,
    `ipchains -P forward ${TARGET[model.forward ? spec.policy : 'accept']}`,
  ];
  const isPolicy = [
    (model.outside && !added) || model.own.has('input'),
    model.outside || model.own.has('output'),
    model.forward || model.own.has('forward'),
  ];
  const policyLines = isPolicy.flatMap((counts, index) => (counts ? [index + 2] : []));
  if (spec.helper.ports.length > 0) lines.push(modprobe(spec.helper));
  const rowLines: { line: number; row: number; indent: number }[] = [];
  const textLines: { line: number; source: number }[] = [];
  for (const { text, row, line } of spec.commands) {
    const front = /^\S*ipchains\s/.test(text) ? '' : 'ipchains ';
    lines.push(`${front}${text}`);
    if (row !== null) rowLines.push({ line: lines.length, row, indent: front.length });
    else if (line !== undefined) textLines.push({ line: lines.length, source: line });
  }
  if (spec.nat === 'masquerade' && !spec.translates) lines.push('ipchains -A forward -i outside -j MASQ');
  for (const via of ['inside', 'lo']) {
    lines.push(`ipchains -A input -i ${via} -j ACCEPT`, `ipchains -A output -i ${via} -j ACCEPT`);
  }
  if (added) {
    lines.push(`ipchains -A input -i outside -j ${TARGET[spec.policy]}`);
    policyLines.push(lines.length);
  }
  if (!spec.translates) lines.push(...portForwarding(spec));
  return {
    loader: 'ipchains',
    text: lines.map((line) => `${line}\n`).join(''),
    rowLines,
    textLines,
    policyLines,
  };
}

function modprobe({ ports, inPorts = [] }: FirewallSpec['helper']): string {
  const behind = inPorts.length > 0 ? ` in_ports=${inPorts.join(',')}` : '';
  return `modprobe ip_masq_ftp ports=${ports.join(',')}${behind}`;
}

interface Model {
  /** chains whose policy the commands set */
  readonly own: ReadonlySet<string>;
  /** whether `spec.policy` stands on input and output, for the interface outside */
  readonly outside: boolean;
  /** whether it stands on forward */
  readonly forward: boolean;
}

function modelOf(spec: FirewallSpec): Model {
  const { commands } = parseIpchains(spec.commands.map(({ text }) => text).join('\n'), spec);
  const own = new Set(commands.flatMap((command) => (command.kind === 'policy' ? [command.chain] : [])));
  const filtered = new Set(commands.flatMap((command) => filteredChain(command)));
  const forward = filtered.has('forward');
  const outside = filtered.has('input') || filtered.has('output') || !forward;
  return { own, outside: outside && !own.has('forward'), forward: forward && !own.has('forward') };
}

/** The built-in chain a command filters in; a rule that only translates filters nothing. */
function filteredChain(command: IpchainsCommand): string[] {
  if (command.kind !== 'append' && command.kind !== 'insert' && command.kind !== 'replace') return [];
  const { chain, rule } = command;
  const translates = rule.target?.kind === 'special' && rule.target.name === 'MASQ';
  return isBuiltIn(chain) && rule.target && !translates ? [chain] : [];
}

/** One line a port: `ipmasqadm portfw` knows no ranges. */
function portForwarding(spec: FirewallSpec): string[] {
  if (spec.forward.length === 0) return [];
  const outside = spec.names['firewall_outside'];
  if (outside === undefined) {
    throw new Error('ports are forwarded from firewall_outside, which the names of this firewall lack');
  }
  return spec.forward.flatMap(([low, high]) =>
    Array.from({ length: high - low + 1 }, (_, index) => {
      const port = low + index;
      return `ipmasqadm portfw -a -P tcp -L ${outside} ${port} -R ${spec.insideHost} ${port}`;
    }),
  );
}
