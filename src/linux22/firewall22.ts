import { printAddress } from './addresses';
import { Chains, type ChainHit } from './chains';
import { viewOf, type Entry, type EntryView } from './entry';
import type { Event22, Listener22, Refusal } from './events';
import { FtpModule } from './ftp-module';
import * as icmp from './icmp';
import type { RowNumber } from './kernel-rule';
import { KERNEL_PROFILES } from './kernels';
import { MasqueradeTable } from './masquerade-table';
import { Modules } from './modules';
import { optionFault } from './ip-options';
import { echoReply, icmpError, tcpReset } from './own-packets';
import { ICMP, IP_HEADER, Packet, RST, TCP, UDP } from './packet';
import { KernelLog } from './kernel-log';
import { PortForwards, viewOfForward, type ForwardView } from './portfw';
import { fragment, mustNotFragment, Reassembly } from './reassembly';
import { procNet } from './proc-net';
import { Routes, type InterfaceAddress, type Side } from './routes';
import { Switches } from './switches';
import { runLine, type ToolResult } from './tools';
import { Translator } from './translator';
import type { BuiltInChain, IpchainsCommand, PolicyTarget } from '../firewall/ipchains/rule';
import type { Command, Kernel22, Ruleset } from '../firewall/kinds';

/** A packet to be sent, or, with `local`, one that is the firewall host's own business. */
export interface Sent {
  readonly to: Side | 'local';
  /** IPv4, whole, checksums right if they were right when it came */
  readonly packet: Buffer;
}

export interface Firewall22Options {
  readonly kernel: Kernel22;
  readonly interfaces: Readonly<Record<Side, InterfaceAddress>>;
  /** seconds, on any clock that does not go back */
  readonly now: number;
  /** values of names that commands may write with a `$` */
  readonly names?: Readonly<Record<string, string>>;
  /** seconds: what a timeout that no command sets is at least, where a clock that runs faster would make it too short */
  readonly shortestTimeout?: number;
}

/** What a rule, or a chain's policy, has counted. */
export interface RuleCounter {
  readonly chain: string;
  /** from 1; 0: the chain's policy */
  readonly number: number;
  readonly packets: number;
  readonly bytes: number;
  /** the row of the owner's rules it comes from; with `-b` two rules have the same; null: of none */
  readonly row: RowNumber | null;
}

/** What comes with a command besides its words. */
export interface Typing {
  /** what stands on its standard input; only ipchains-restore reads it */
  readonly input?: string;
  /**
   * Says of each ipchains command that makes rules or sets a policy, those of ipchains-restore, too, which row of the
   * owner's rules it is; null: none. Left out: none is any.
   */
  readonly rowOf?: (command: IpchainsCommand) => RowNumber | null;
}

/** A command of a ruleset that its tool refused. */
export class RefusedCommand extends Error {
  constructor(
    line: string,
    readonly row: RowNumber | null,
    /** its line in the ruleset, from 1; null where it is in none */
    readonly place: number | null,
    code: number,
    /** what the tool said */
    readonly said: string,
  ) {
    super(`"${line}" was refused with code ${code}: ${said}`);
  }
}

const NOTHING: readonly Sent[] = [];

/** Ports below are the system's own (net/sock.h, PROT_SOCK). */
const SYSTEM_PORTS = 1024;
/** Multicast's own protocol: the kernel has it (igmp.c), so nobody is told that it is not there. */
const IGMP = 2;

/** ip_masq.c, ip_masq_new: with 1 only what comes from a port that is not the system's own. */
function isLoose(udpLoose: number, insidePort: number): boolean {
  return udpLoose === 2 || (udpLoose === 1 && insidePort >= SYSTEM_PORTS);
}

/**
 * A Linux 2.2 firewall: ipchains, IP masquerading, ip_masq_ftp and ipmasqadm portfw, between two interfaces
 * called `inside` and `outside`.
 *
 * Pure: packets, times and command lines come in, packets and events go out; it reads no clock and opens no
 * socket. How it is to be driven:
 *
 * - Give every IPv4 packet that is addressed to the firewall's own link-layer address to `receive`, without
 *   the link's header, and send what comes back. The buffer is the firewall's from then on: packets are
 *   rewritten in place, and what comes back is often the same one.
 * - At `deadline()` call `tick`. To be late does no harm: entries expire at their own time, and `receive` and
 *   `run` let expire what is due before they do anything.
 * - The host's own kernel must neither forward nor answer: the firewall answers for its addresses itself
 *   (RST, echo reply, ICMP errors). What comes back as `local` may be dropped.
 *
 * Path of a packet, as in ip_input.c, ip_forward.c and ip_output.c: input → route → forward → masquerade →
 * output; a reply: input → demasquerade → route → output. Packets of the firewall's own pass output.
 *
 * Where it is not as the kernels were, docs/linux-2.2.md says, with the reasons; what differs between them, kernels.ts.
 */
export class Firewall22 {
  readonly #routes: Routes;
  readonly #names: Readonly<Record<string, string>>;
  readonly #chains = new Chains();
  readonly #table: MasqueradeTable;
  readonly #ftp: FtpModule;
  readonly #modules: Modules;
  readonly #forwards = new PortForwards();
  readonly #translator: Translator;
  readonly #switches: Switches;
  readonly #log: KernelLog;
  readonly #listeners = new Set<Listener22>();
  readonly #refusals = new Map<Refusal, number>();
  readonly #packet = new Packet();
  readonly #own = new Packet();
  readonly #reassembly = new Reassembly();
  #now: number;
  #identification = 1;

  /** @throws an Error for an address that is none */
  constructor(options: Firewall22Options) {
    const kernel = KERNEL_PROFILES[options.kernel];
    this.#now = options.now;
    this.#names = options.names ?? {};
    // Each live entry raises ip_always_defrag by one, and the first REDIRECT for good (ip_masq.c, ip_fw.c).
    const raised = (): number => this.#table.size + (this.#chains.hasRedirected ? 1 : 0);
    this.#switches = new Switches(options.kernel, raised);
    this.#log = new KernelLog(
      (line) => {
        this.#emit({ kind: 'log', at: this.#now, line });
      },
      () => this.#switches.number('ip_masq_debug') >= 0,
    );
    this.#routes = new Routes(options.interfaces, this.#switches, this.#log);
    this.#ftp = new FtpModule(kernel);
    this.#table = new MasqueradeTable(
      (change, entry, at, left) => {
        if (this.#listeners.size > 0)
          this.#emit({ kind: 'masquerade', at, change, entry: viewOf(entry), left });
      },
      (entry) => this.#ftp.roleOf(entry),
      (port) => kernel.udpLoose || isLoose(this.#switches.number('ip_masq_udp_dloose'), port),
      this.#log,
    );
    this.#table.raiseTimeouts(options.shortestTimeout ?? 0);
    const say = (line: string): void => {
      this.#log.say(line);
    };
    this.#modules = new Modules(kernel, this.#ftp, this.#forwards, this.#table, say);
    const surroundings = {
      table: this.#table,
      emit: (event: Event22) => {
        this.#emit(event);
      },
    };
    this.#translator = new Translator(this.#ftp, this.#forwards, surroundings, this.#log);
    this.#chains.onLog = say;
  }

  // -- what happens --

  /** Tells a listener of all that happens from now on. @returns what stops that */
  onEvent(listener: Listener22): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether there is a `rule-hit` event for each rule a packet matches; off until asked for. */
  traceRules(wanted: boolean): void {
    this.#chains.onHit = wanted
      ? (hit, packet) => {
          this.#emitHit(hit, packet);
        }
      : null;
  }

  /** How many packets were dropped by no rule, by reason. */
  refusals(): Readonly<Partial<Record<Refusal, number>>> {
    return Object.fromEntries(this.#refusals);
  }

  /** The masquerade table, the oldest entry first. */
  entries(): readonly EntryView[] {
    return [...this.#table.entries()].map(viewOf);
  }

  /** What each rule has counted, chain by chain. */
  ruleCounters(): RuleCounter[] {
    return this.#chains.all().flatMap(({ name, rules }) =>
      rules.map(({ packets, bytes, row }, index) => ({
        chain: name,
        number: index + 1,
        packets,
        bytes,
        row,
      })),
    );
  }

  /** What fell to the policy of each built-in chain; their number is 0. */
  policyCounters(): RuleCounter[] {
    return this.#chains
      .all()
      .filter(({ policy }) => policy !== null)
      .map(({ name, packets, bytes, row }) => ({ chain: name, number: 0, packets, bytes, row }));
  }

  /** What the policy of each built-in chain is. */
  policies(): Readonly<Record<BuiltInChain, PolicyTarget>> {
    return this.#chains.policies();
  }

  /** Has what falls to the policies of these built-in chains count for the row `policy`, and of no others. */
  countPolicies(chains: readonly BuiltInChain[]): void {
    this.#chains.countPolicies(chains);
  }

  /** The ports that ip_masq_ftp reads: of servers in the world, and forwarded ones; null: it is not loaded. */
  ftpPorts(): { readonly ports: readonly number[]; readonly inPorts: readonly number[] } | null {
    const { options } = this.#ftp;
    return options && { ports: options.ports, inPorts: options.inPorts };
  }

  /** What `ipmasqadm portfw` forwards, in the order it lists them. */
  forwards(): readonly ForwardView[] {
    return this.#forwards.all().map(viewOfForward);
  }

  /**
   * The files of /proc/sys/net/ipv4, by their path from there on, such as `ip_forward` or `conf/outside/rp_filter`, and
   * what each prints, without the line end.
   */
  switches(): ReadonlyMap<string, string> {
    return this.#switches.all();
  }

  /**
   * Writes to one of them.
   *
   * @param text the numbers it is to have; what follows them is let go
   * @returns null: done; or what is wrong, and what is allowed
   */
  setSwitch(path: string, text: string, now: number): string | null {
    this.#advance(now);
    return this.#switches.set(path, text);
  }

  /**
   * The files of /proc/net about firewall and masquerading, by their path from there on, such as `ip_fwchains` or
   * `ip_masq/app`; each is read when it is called.
   */
  procNet(now: number): ReadonlyMap<string, () => string> {
    this.#advance(now);
    const sources = { chains: this.#chains, table: this.#table, ftp: this.#ftp, modules: this.#modules };
    return procNet({ ...sources, forwards: this.#forwards }, this.#now);
  }

  // -- commands --

  /**
   * Does what a line says that is typed on the firewall: ipchains, ipchains-save, ipchains-restore, ipmasqadm portfw,
   * modprobe, insmod, rmmod, lsmod, depmod, and echo to a file of /proc/sys/net/ipv4.
   *
   * @returns what the tool prints, on both its outputs, and its exit code
   */
  run(command: string, now: number, { input = '', rowOf = () => null }: Typing = {}): ToolResult {
    this.#advance(now);
    return runLine(command, {
      chains: this.#chains,
      table: this.#table,
      forwards: this.#forwards,
      modules: this.#modules,
      switches: this.#switches,
      log: (line) => {
        this.#log.say(line);
      },
      names: this.#names,
      now: this.#now,
      input,
      rowOf,
    });
  }

  /**
   * Loads commands as a start script does, each with the row it is.
   *
   * @throws an Error that names the line and what its tool said
   */
  load(commands: readonly (Omit<Command, 'row'> & { readonly row: RowNumber | null })[]): void {
    for (const { text, row, line: place = null } of commands) {
      const line = /^[-!]/.test(text) ? `ipchains ${text}` : text;
      const { output, code } = this.run(line, this.#now, { rowOf: () => row });
      if (code !== 0) throw new RefusedCommand(line, row, place, code, output.trim());
    }
  }

  /** Loads a ruleset made for `ipchains`, with its rows. @throws as `load` does */
  loadRuleset({ text, rowLines, policyLines = [] }: Ruleset): void {
    const rows = new Map<number, RowNumber>([
      ...rowLines.map(({ line, row }) => [line, row] as const),
      ...policyLines.map((line) => [line, 'policy'] as const),
    ]);
    const lines = text.split('\n');
    this.load(
      lines.flatMap((line, index) =>
        line.trim() === ''
          ? []
          : [{ table: '', text: line.trim(), row: rows.get(index + 1) ?? null, line: index + 1 }],
      ),
    );
  }

  // -- time --

  /** When something will end by itself next, in seconds; null: nothing will. */
  deadline(): number | null {
    return this.#table.deadline();
  }

  /** Lets end what is due. */
  tick(now: number): readonly Sent[] {
    this.#advance(now);
    return NOTHING;
  }

  #advance(now: number): void {
    if (now > this.#now) this.#now = now;
    const deadline = this.#table.deadline();
    if (deadline !== null && deadline <= this.#now) this.#table.expire(this.#now);
  }

  // -- packets --

  /**
   * A packet that came in on one side (ip_input.c, ip_rcv).
   *
   * @param buffer an IPv4 packet from its header on; what the link added behind it is ignored
   * @returns what is to be sent for it
   */
  receive(from: Side, buffer: Buffer, now: number): readonly Sent[] {
    this.#advance(now);
    const packet = this.#packet;
    const fault = packet.read(buffer);
    if (fault) return this.#refuse(fault);
    if (packet.isFragment && this.#switches.number('ip_always_defrag') !== 0) {
      if (!this.#putTogether(packet)) return NOTHING;
    }
    const verdict = this.#chains.check('input', from, packet);
    if (verdict === 'DENY') return NOTHING;
    const isOwn = this.#routes.isOwn(packet.destination);
    const unroutable = this.#routes.fault(from, packet, this.#now);
    if (unroutable) return this.#refuse(unroutable);
    if (packet.headerLength > IP_HEADER) {
      const wrong = optionFault(packet.bytes, packet.headerLength);
      if (wrong === 'source route') this.#routes.logSourceRoute(from, packet, this.#now);
      if (wrong) return this.#refuse(wrong);
    }
    // Nothing listens behind REDIRECT: the port it leads to is closed.
    if (verdict === 'REDIRECT') return this.#deliver(from, packet);
    if (verdict === 'REJECT') return this.#error(from, packet, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE);
    return isOwn ? this.#deliver(from, packet) : this.#forward(from, packet, null, false);
  }

  /** @returns whether the packet is whole now */
  #putTogether(packet: Packet): boolean {
    const whole = this.#reassembly.add(packet, this.#now);
    return whole !== null && packet.read(whole) === null;
  }

  /**
   * Sends a packet on (ip_forward.c, ip_forward).
   *
   * @param entry whose packet it is, if it has been demasqueraded; null for fragments, too
   * @param demasqueraded then the chain forward has nothing to say
   */
  #forward(from: Side, packet: Packet, entry: Entry | null, demasqueraded: boolean): readonly Sent[] {
    const to = this.#routes.sideOf(packet.destination);
    if (this.#routes.isBroadcast(packet.destination)) return this.#refuse('no way');
    if (packet.ttl <= 1) {
      if (entry) this.#translator.restoreDestination(packet, entry);
      return this.#error(from, packet, icmp.TIME_EXCEEDED, 0);
    }
    const isDetour = to === from && !demasqueraded && this.#routes.isRedirectDue(from, packet, this.#now);
    const redirect = isDetour
      ? this.#error(from, packet, icmp.REDIRECT, icmp.REDIRECT_HOST, packet.destination)
      : NOTHING;
    packet.decrementTtl();
    const mtu = this.#routes.mtu(to);
    if (packet.length > mtu && mustNotFragment(packet.bytes)) {
      if (entry) this.#translator.restoreDestination(packet, entry);
      return this.#error(from, packet, icmp.UNREACHABLE, icmp.FRAGMENTATION_NEEDED, mtu);
    }
    let masqueraded: Entry | null = null;
    if (!demasqueraded) {
      const isError =
        packet.protocol === ICMP && packet.portsKnown && icmp.isTranslatedError(packet.sourcePort);
      const translated = isError && !packet.isFragment ? this.#translator.masqueradeError(packet) : null;
      if (typeof translated === 'string') return this.#refuse(translated);
      const verdict = translated ? 'ACCEPT' : this.#chains.check('forward', to, packet);
      if (verdict === 'REJECT') return this.#error(from, packet, icmp.UNREACHABLE, icmp.HOST_UNREACHABLE);
      if (verdict === 'DENY' || verdict === 'REDIRECT') return NOTHING;
      if (verdict === 'MASQ') {
        const result = this.#translator.masquerade(packet, this.#routes.addressOf(to), this.#now);
        if (typeof result === 'string') return this.#refuse(result);
        masqueraded = result;
      }
    }
    const verdict = this.#chains.check('output', to, packet);
    if (verdict === 'DENY') return NOTHING;
    if (verdict === 'REJECT') {
      if (entry) this.#translator.restoreDestination(packet, entry);
      if (masqueraded) this.#translator.restoreSource(packet, masqueraded);
      return this.#error(from, packet, icmp.UNREACHABLE, icmp.HOST_UNREACHABLE);
    }
    const out = this.#out(to, packet.bytes);
    return redirect.length === 0 ? out : [...redirect, ...out];
  }

  /** Taken apart where it is too large for the link. */
  #out(to: Side, bytes: Buffer): readonly Sent[] {
    const mtu = this.#routes.mtu(to);
    if (bytes.length <= mtu) return [{ to, packet: bytes }];
    return fragment(bytes, mtu).map((packet) => ({ to, packet }));
  }

  /** A packet to the firewall itself: for somebody inside, or for nobody (ip_input.c, ip_local_deliver). */
  #deliver(from: Side, packet: Packet): readonly Sent[] {
    if (packet.isFragment && !this.#putTogether(packet)) return NOTHING;
    const entry = this.#translator.demasquerade(packet, this.#now);
    if (entry === null) return this.#answer(from, packet);
    if (typeof entry === 'string') return this.#refuse(entry);
    // It is routed once more, now to the host inside.
    return this.#switches.forwardsFrom(from)
      ? this.#forward(from, packet, entry, true)
      : this.#refuse('forwarding is off');
  }

  // -- packets of the firewall's own --

  /** Answers a packet that the input chain let in and that nobody here listens for. */
  #answer(from: Side, packet: Packet): readonly Sent[] {
    const { protocol } = packet;
    const start = packet.payloadStart;
    if (start < 0) return this.#refuse('bad transport header');
    if (start > 0 && !packet.transportChecksumHolds()) return this.#refuse('bad transport checksum');
    if (protocol === TCP) {
      if ((packet.flags & RST) !== 0) return NOTHING;
      // In another's name nothing is reset (tcp_ipv4.c, tcp_v4_send_reset).
      if (this.#routes.isOwn(packet.destination)) return this.#send(from, tcpReset(packet, this.#id()));
      return this.#error(from, packet, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE);
    }
    if (protocol === UDP) return this.#error(from, packet, icmp.UNREACHABLE, icmp.PORT_UNREACHABLE);
    if (protocol === ICMP && packet.sourcePort === icmp.ECHO) {
      if (this.#switches.number('icmp_echo_ignore_all') !== 0) return NOTHING;
      return this.#send(from, echoReply(packet, this.#id()));
    }
    if (protocol !== ICMP && protocol !== IGMP)
      return this.#error(from, packet, icmp.UNREACHABLE, icmp.PROTOCOL_UNREACHABLE);
    return [{ to: 'local', packet: packet.bytes }];
  }

  /** Sends an ICMP error to a packet's sender, unless that must not be (icmp.c, icmp_send). */
  #error(from: Side, packet: Packet, type: number, code: number, info = 0): readonly Sent[] {
    if (packet.fragmentOffset !== 0) return NOTHING;
    if (packet.protocol === ICMP && (!packet.portsKnown || icmp.isError(packet.sourcePort))) return NOTHING;
    const { destination } = packet;
    const source = this.#routes.isOwn(destination)
      ? destination
      : this.#routes.addressOf(this.#routes.sideOf(packet.source));
    return this.#send(from, icmpError(packet, type, code, info, { source, identification: this.#id() }));
  }

  /**
   * Sends a packet of the firewall's own; the output chain sees it, too (ip_output.c, ip_build_xmit).
   *
   * The kernel answers whatever it has a route to. Here an answer goes only to the side the packet came from,
   * and never from the inside's address to the outside: else a forged sender could have addresses told.
   */
  #send(from: Side, bytes: Buffer | null): readonly Sent[] {
    const own = this.#own;
    if (bytes === null || own.read(bytes) !== null || this.#routes.isOwn(own.destination)) return NOTHING;
    const to = this.#routes.sideOf(own.destination);
    if (to !== from || (to === 'outside' && own.source === this.#routes.addressOf('inside')))
      return this.#refuse('no way');
    const verdict = this.#chains.check('output', to, own);
    return verdict === 'DENY' || verdict === 'REJECT' ? NOTHING : this.#out(to, own.bytes);
  }

  #id(): number {
    this.#identification = (this.#identification + 1) & 0xffff;
    return this.#identification;
  }

  // -- events --

  #emit(event: Event22): void {
    for (const listener of this.#listeners) listener(event);
  }

  #emitHit(hit: ChainHit, packet: Packet): void {
    const { protocol, length } = packet;
    const source = { address: printAddress(packet.source), port: packet.sourcePort };
    const destination = { address: printAddress(packet.destination), port: packet.destinationPort };
    this.#emit({
      kind: 'rule-hit',
      at: this.#now,
      ...hit,
      packet: { protocol, source, destination, length },
    });
  }

  #refuse(reason: Refusal): readonly Sent[] {
    const count = (this.#refusals.get(reason) ?? 0) + 1;
    this.#refusals.set(reason, count);
    this.#emit({ kind: 'refused', at: this.#now, reason, count });
    return NOTHING;
  }
}
