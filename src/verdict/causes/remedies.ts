import { isLinux22, type Plan } from '../../plan/plan';

// What a firewall can be told differs with its kind: Linux 2.2 has a module and no connection states, today's
// kernel a helper that a rule must attach, and states that rules can name.

/** What has PORT rewritten, in the imperative. */
export function rewritingRemedy(plan: Plan): string {
  const { port } = plan.server;
  if (isLinux22(plan)) {
    const module = port === 21 ? 'ip_masq_ftp' : `'ip_masq_ftp ports=${port}'`;
    return `Load ip_masq_ftp (modprobe; here: modules: [${module}])`;
  }
  const ports = port === 21 ? '' : ` with ports=${port}`;
  return `Attach the FTP helper to the control connection by rule (here: modules: [ip_conntrack_ftp, ip_nat_ftp]${ports}) and accept related connections`;
}

/** What lets a server that dials in, after a verb of the sentence's own. */
export function activeRemedy(plan: Plan): string {
  return isLinux22(plan)
    ? 'load ip_masq_ftp and have the client send PORT'
    : 'attach the FTP helper and accept related connections';
}

/** What lets a client dial a server behind NAT, after a verb of the sentence's own. */
export function passiveRemedy(plan: Plan): string {
  return isLinux22(plan)
    ? `load ip_masq_ftp with in_ports=${plan.server.port} (from Linux 2.2.19)`
    : 'attach the FTP helper and accept related connections';
}

/** What lets a helper's connections through a filter; empty where rules know no states. */
export function relatedRemedy(plan: Plan, text: string): string {
  return isLinux22(plan) ? '' : text;
}
