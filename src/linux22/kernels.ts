import type { Kernel22 } from '../firewall/kinds';
import { MASQ_FTP_PORTS } from '../firewall/modules';

/**
 * What one Linux 2.2 does and another does not, as read in the sources of both. Everything else in here is the
 * same in 2.2.14 and 2.2.19.
 */
export interface KernelProfile {
  readonly name: Kernel22;
  /**
   * Whether an entry of UDP always lets answer whoever answers, from any port (ip_masq.c, ip_masq_new). If not, the
   * switch ip_masq_udp_dloose says whether; and where it does not, any address may, but only from the port that was
   * spoken to, and after the first answer that address alone.
   */
  readonly udpLoose: boolean;
  /**
   * From which number on an acknowledgement is taken to be of what follows the latest packet that was resized
   * (ip_masq_app.c, masq_fix_ack_seq): the packet's own, as the inside counts, or that and the whole shift.
   */
  readonly acknowledges: 'from the packet' | 'from the packet and the shift';
  readonly ftp: {
    /**
     * Commands and replies are looked for 20 bytes into the TCP header, whatever its length (ip_masq_ftp.c,
     * masq_ftp_out and masq_ftp_in, to 2.2.18): where TCP options stand there, PASV is not seen.
     */
    readonly takesHeaderForPlain: boolean;
    /** reads commands and replies as ip_masq_ftp 0.04 does; later ones read as 0.10 */
    readonly readsEarly: boolean;
    /** looks only at connections in state ESTABLISHED */
    readonly needsEstablished: boolean;
    /** leaves a PORT alone that names a port below 1024 or one of `noport=` (from 2.2.15) */
    readonly guardsPorts: boolean;
    /** knows `in_ports=`, `noport=`, `mark=` and `in_mark=` */
    readonly knowsInPorts: boolean;
    /** ports that a list of its options may have */
    readonly mostPorts: number;
  };
}

export const KERNEL_PROFILES: Readonly<Record<Kernel22, KernelProfile>> = {
  '2.2.14': {
    name: '2.2.14',
    udpLoose: true,
    acknowledges: 'from the packet',
    ftp: {
      takesHeaderForPlain: true,
      readsEarly: true,
      needsEstablished: false,
      guardsPorts: false,
      knowsInPorts: false,
      mostPorts: MASQ_FTP_PORTS['2.2.14'],
    },
  },
  '2.2.19': {
    name: '2.2.19',
    udpLoose: false,
    acknowledges: 'from the packet and the shift',
    ftp: {
      takesHeaderForPlain: false,
      readsEarly: false,
      needsEstablished: true,
      guardsPorts: true,
      knowsInPorts: true,
      mostPorts: MASQ_FTP_PORTS['2.2.19'],
    },
  },
};
