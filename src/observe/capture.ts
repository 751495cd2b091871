import { LabFailure, type Host, type HostProcess, type Lab } from '../engine/host';
import type { Plan } from '../plan/plan';
import type { CaptureRecord, Leg, RawEvent } from './event';
import { PacketEvents } from './packet-events';
import { PcapReader } from './pcap';
import { ProbeSightings } from './probe-sightings';
import { until } from '../engine/until';

const READY_SECONDS = 10;
/** How long the capture may lag behind the interface's own counter once the session is over. */
const DRAIN_SECONDS = 5;

/** tcpdump on one leg of the firewall, writing a pcap file. */
export class Capture {
  private readonly host: Host;
  private readonly file: string;
  private readonly reader = new PcapReader();
  private readonly packets: PacketEvents;
  private count = 0;
  private offset = 0;

  private constructor(
    readonly process: HostProcess,
    private readonly leg: Leg,
    lab: Lab,
  ) {
    this.host = lab.hosts.firewall;
    this.file = captureFile(lab, leg);
    this.packets = new PacketEvents(leg, lab.plan.server.port, new ProbeSightings(leg, lab.plan));
  }

  /** Starts the capture and waits until it listens. */
  static async start(lab: Lab, leg: Leg): Promise<Capture> {
    const { snapLength, bufferKib } = lab.plan.capture;
    const process = lab.hosts.firewall.spawn(`tcpdump on the firewall's ${leg}`, [
      'tcpdump',
      ...['-i', leg, '-n', '-w', captureFile(lab, leg), '-s', String(snapLength)],
      // Each packet is in the file as soon as it is seen; -Z root keeps it able to write there.
      ...['--immediate-mode', '-U', '-B', String(bufferKib), '-Z', 'root'],
    ]);
    await listening(process);
    return new Capture(process, leg, lab);
  }

  /** Waits until the file holds every packet the interface counted, and turns them into events. */
  async finish(): Promise<{ record: CaptureRecord; events: RawEvent[] }> {
    const expected = await this.interfacePackets();
    await until(async () => {
      await this.readOn();
      return this.count >= expected;
    }, DRAIN_SECONDS);
    const lost = Math.max(0, expected - this.count);
    return {
      record: { leg: this.leg, file: this.file, packets: this.count, lost },
      events: this.packets.finish(),
    };
  }

  /** Packets the interface received and sent since it exists; the capture began before the first. */
  private async interfacePackets(): Promise<number> {
    const table = (await this.host.read(`/proc/${await this.process.pid}/net/dev`)).toString('utf8');
    const fields = table
      .split('\n')
      .find((line) => line.trim().startsWith(`${this.leg}:`))
      ?.split(':')[1];
    if (fields === undefined) throw new LabFailure(`the firewall's ${this.leg} interface is gone`);
    const [, received = '0', , , , , , , , sent = '0'] = fields.trim().split(/\s+/);
    return Number(received) + Number(sent);
  }

  private async readOn(): Promise<void> {
    for (;;) {
      const chunk = await this.host.read(this.file, this.offset);
      if (chunk.length === 0) return;
      this.offset += chunk.length;
      this.reader.push(chunk, (packet) => {
        this.count += 1;
        this.packets.add(packet);
      });
    }
  }
}

/** The legs a plan has captured. */
export function capturedLegs({ capture }: Plan): readonly Leg[] {
  return capture.enabled ? ['inside', 'outside'] : [];
}

/** Where the capture of a leg is, while the lab runs. */
export function captureFile(lab: Lab, leg: Leg): string {
  return `${lab.workDirectory}/${leg}.pcap`;
}

function listening(process: HostProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => {
      reject(new LabFailure(`${process.label} did not start within ${READY_SECONDS} s: ${said.trim()}`));
    }, READY_SECONDS * 1000);
    process.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-2000);
      if (!said.includes('listening on')) return;
      clearTimeout(timer);
      resolve();
    });
    void process.exited.then(({ code }) => {
      clearTimeout(timer);
      reject(new LabFailure(`${process.label} ended with ${code ?? 'a signal'}: ${said.trim()}`));
    });
  });
}
