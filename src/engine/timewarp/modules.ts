import type { Plan } from '../../plan/plan';
import { must, run } from '../process';

/** Modules of today's kernel that the FTP helper consists of: tracking, and rewriting for NAT. */
const TRACKING = 'nf_conntrack_ftp';
const REWRITING = 'nf_nat_ftp';

/**
 * Loads the FTP modules a plan has, with its ports, as modprobe(8) does it: in this machine they are
 * modules, and those that nobody loads are not there.
 *
 * @throws LabFailure when the kernel refuses one
 */
export async function loadModules({ firewall: { helper, kind, nat } }: Plan): Promise<void> {
  // Those of Linux 2.2 are its router's.
  if (helper.ports.length === 0 || kind === 'ipchains') return;
  await must(`load ${TRACKING}`, run(['modprobe', TRACKING, `ports=${helper.ports.join()}`]));
  if (nat !== 'none') await must(`load ${REWRITING}`, run(['modprobe', REWRITING]));
}
