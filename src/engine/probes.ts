/** Tries one thing in a scratch namespace. The script's failure is the capability's absence. */
export interface Probe {
  readonly name: string;
  /** tools it is tried with */
  readonly needs: readonly string[];
  readonly script: string;
  readonly remedy: string;
}

/** What the kernel must be able to do for a firewall, whatever its host is made of. */
export const KERNEL_PROBES: readonly Probe[] = [
  {
    name: 'nftables rules with counters',
    needs: ['nft'],
    script:
      'nft "add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }; add rule ip t c counter accept"',
    remedy: 'kernel option CONFIG_NF_TABLES and CONFIG_NF_TABLES_IPV4 (sudo modprobe nf_tables)',
  },
  {
    name: 'iptables rules',
    needs: ['iptables-restore', 'iptables-save'],
    script:
      "printf '*filter\\n-A FORWARD -p tcp -m multiport --dports 20,21 -m comment --comment x -j DROP\\nCOMMIT\\n' | iptables-restore && iptables-save -c | grep -q 'comment x'",
    remedy: 'kernel option CONFIG_NFT_COMPAT, or CONFIG_IP_NF_IPTABLES (sudo modprobe nft_compat)',
  },
  {
    name: 'connection tracking in rules',
    needs: ['nft'],
    script:
      'nft "add table ip t; add chain ip t c { type filter hook forward priority 0; }; add rule ip t c ct state established accept"',
    remedy: 'kernel option CONFIG_NF_CONNTRACK and CONFIG_NFT_CT (sudo modprobe nft_ct)',
  },
  {
    name: 'masquerading',
    needs: ['nft'],
    script:
      'nft "add table ip t; add chain ip t c { type nat hook postrouting priority 100; }; add rule ip t c masquerade"',
    remedy: 'kernel option CONFIG_NFT_MASQ (sudo modprobe nft_masq)',
  },
  {
    name: 'FTP helper',
    needs: ['nft'],
    script: 'nft "add table ip t; add ct helper ip t ftp { type \\"ftp\\" protocol tcp; }"',
    remedy: 'kernel modules nf_conntrack_ftp and nf_nat_ftp (sudo modprobe nf_nat_ftp)',
  },
  {
    name: 'connection table',
    needs: ['nft', 'conntrack'],
    script:
      'nft "add table ip t; add chain ip t c { type filter hook forward priority 0; }; add rule ip t c ct state new" && conntrack -L',
    remedy: 'kernel option CONFIG_NF_CT_NETLINK (sudo modprobe nf_conntrack_netlink)',
  },
  {
    name: 'connection events',
    needs: ['nft', 'conntrack'],
    // conntrack -E runs until it is stopped; what it can't do it says at once.
    script:
      'nft "add table ip t; add chain ip t c { type filter hook forward priority 0; }; add rule ip t c ct state new"; timeout 0.2 conntrack -E; test $? = 124',
    remedy: 'kernel option CONFIG_NF_CONNTRACK_EVENTS and CONFIG_NF_CT_NETLINK',
  },
  {
    name: 'packet capture',
    needs: ['ip', 'tcpdump'],
    script:
      'ip link set lo up; timeout 0.4 tcpdump -i lo -Z root --immediate-mode -w /run/probe.pcap; test $? = 124',
    remedy:
      'kernel option CONFIG_PACKET (sudo modprobe af_packet), or an AppArmor profile that lets tcpdump write below /run',
  },
];
