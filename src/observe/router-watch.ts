import type { Plan } from '../plan/plan';
import { LabFailure, type FirewallRouter, type HostProcess } from '../engine/host';
import type { RawEvent } from './event';
import { MasqueradeEvents } from './masquerade-events';
import type { TableRecord, TableWatch } from './table-watch';

/** What the router of a Linux 2.2 firewall tells of its masquerade table: there from its first packet on. */
export class RouterWatch implements TableWatch {
  constructor(
    private readonly router: FirewallRouter,
    private readonly plan: Plan,
  ) {}

  get processes(): readonly HostProcess[] {
    return [this.router.process];
  }

  /** @throws LabFailure when probes were among packets it could not read in time: of those nobody sends another */
  async finish(): Promise<TableRecord> {
    const { events, lost, untold } = await this.router.told();
    if (lost > 0 && this.plan.probes.length > 0)
      throw new LabFailure(`the Linux 2.2 router missed ${lost} packets; run it on a less busy machine`);
    const masquerade = new MasqueradeEvents(this.plan.timeScale);
    this.router.leave();
    return { lost: untold, events: events.flatMap((event): RawEvent[] => masquerade.take(event)) };
  }
}
