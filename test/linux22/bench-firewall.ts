// A firewall on a bench: packets go in by their fields, and what comes out is read back and checked whole.
import { Firewall22, type Event22, type Kernel22, type Sent } from '../../src/linux22';
import { decode, tcp, type Decoded, type Tcp } from './packets';

export const CLIENT = '10.0.0.2';
export const FIREWALL_INSIDE = '10.0.0.1';
export const FIREWALL = '203.0.113.1';
export const SERVER = '203.0.113.9';

export interface Seen extends Decoded {
  readonly to: Sent['to'];
}

export function seen(sent: readonly Sent[]): Seen[] {
  return sent.map(({ to, packet }) => ({ to, ...decode(packet) }));
}

/** The one packet that came out. @throws an Error if it is not one */
export function only(sent: readonly Sent[]): Seen {
  const [one, other] = seen(sent);
  if (!one || other) throw new Error(`${sent.length} packets came out where one was expected`);
  return one;
}

export class Bench {
  now = 0;
  readonly events: Event22[] = [];
  readonly firewall: Firewall22;

  constructor(kernel: Kernel22 = '2.2.19', lines: readonly string[] = MASQUERADING, shortestTimeout = 0) {
    this.firewall = new Firewall22({
      kernel,
      interfaces: {
        inside: { address: FIREWALL_INSIDE, prefix: 24 },
        outside: { address: FIREWALL, prefix: 24 },
      },
      now: 0,
      shortestTimeout,
    });
    this.firewall.onEvent((event) => this.events.push(event));
    this.type('echo 1 > /proc/sys/net/ipv4/ip_forward', ...lines);
  }

  /** Types lines on the firewall. @throws an Error with what a tool says that fails */
  type(...lines: readonly string[]): string {
    return lines
      .map((line) => {
        const { output, code } = this.firewall.run(line, this.now);
        if (code !== 0) throw new Error(`${line}: ${code}: ${output}`);
        return output;
      })
      .join('');
  }

  from(side: 'inside' | 'outside', packet: Buffer): readonly Sent[] {
    return this.firewall.receive(side, packet, this.now);
  }

  /** From the client to the server's port 21, unless told otherwise. */
  out(fields: Partial<Tcp>): readonly Sent[] {
    const ends = { source: CLIENT, destination: SERVER, sourcePort: 1025, destinationPort: 21 };
    return this.from('inside', tcp({ ...ends, ...fields }));
  }

  /** From the server's port 21 to the firewall's first port, unless told otherwise. */
  back(fields: Partial<Tcp>): readonly Sent[] {
    const ends = { source: SERVER, destination: FIREWALL, sourcePort: 21, destinationPort: 61_000 };
    return this.from('outside', tcp({ ...ends, ...fields }));
  }

  wait(seconds: number): void {
    this.now += seconds;
    this.firewall.tick(this.now);
  }

  /** Opens the control connection: client's next sequence number 1001, server's 5001. @returns its port outside */
  open(fields: Partial<Tcp> = {}): number {
    const port = only(this.out({ flags: 'S', sequence: 1000, ...fields })).sourcePort;
    const server = { sourcePort: fields.destinationPort ?? 21, destinationPort: port };
    this.back({ flags: 'SA', sequence: 5000, acknowledgement: 1001, ...server });
    this.out({ flags: 'A', sequence: 1001, acknowledgement: 5001, ...fields });
    return port;
  }

  /** What `ipchains -M -L -n` says of each entry: protocol, both ends and ports. */
  states(): string[] {
    return this.firewall
      .entries()
      .map(
        ({ protocol, state, inside, outside, remote, expires }) =>
          `${protocol} ${inside.address}:${inside.port} (${outside.port}) ${remote.address}:${remote.port} ${state} ${Math.round((expires - this.now) * 100) / 100}`,
      );
  }

  told(kind: Event22['kind']): Event22[] {
    return this.events.filter((event) => event.kind === kind);
  }
}

/** All that a client behind the firewall needs. */
export const MASQUERADING = ['ipchains -P forward DENY', 'ipchains -A forward -i outside -j MASQ'];
export const FORWARDING = [...MASQUERADING, `ipmasqadm portfw -a -P tcp -L ${FIREWALL} 21 -R ${CLIENT} 21`];
