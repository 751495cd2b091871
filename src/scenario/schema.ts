import * as z from 'zod/mini';
import { CLIENT_PROGRAMS } from '../client/programs';
import { TIMEOUT_NAMES, type TimeoutName } from '../firewall/conntrack';
import { FAQ_TABLES } from '../firewall/faq-table/printed';
import { FIREWALL_KINDS, KERNELS, NAT_MODES, POLICIES } from '../firewall/kinds';
import { PRODUCT_NAMES } from '../firewall/products';
import { SERVER_PROGRAMS } from '../server/programs';
import { DURATION, DURATION_OR_OFF, HOST_NAME, PORT_LIST, SIZE } from './quantities';
import { PROBE_FLAGS, SHORT_COMMANDS } from './scenario';

/** Says what a part is for, in editors and in the published JSON Schema. */
function described<T extends z.ZodMiniType>(schema: T, description: string): T {
  z.globalRegistry.add(schema, { description });
  return schema;
}

const port = z.int().check(z.minimum(1), z.maximum(65535));
const sentence = (limit: number) => z.string().check(z.minLength(1), z.maxLength(limit));
const sentences = z.array(sentence(200)).check(z.minLength(1));
const address = z.string().check(z.regex(/^(?:\d{1,3}\.){3}\d{1,3}$/));
const duration = z.string().check(z.regex(DURATION));
const timeouts = z.strictObject(
  Object.fromEntries(TIMEOUT_NAMES.map((name) => [name, z.optional(duration)])) as Record<
    TimeoutName,
    z.ZodMiniOptional<typeof duration>
  >,
);
const portRange = z.string().check(z.regex(/^\d{1,5}\s?-\s?\d{1,5}$/));
const network = z.string().check(z.regex(/^(?:\d{1,3}\.){3}0\/24$/));

const transferFields = {
  mode: described(
    z.enum(['passive', 'active']),
    'Who dials the data connection: the client (passive) or the server (active).',
  ),
  name: z.optional(
    described(sentence(60), 'What expectations call it. By itself: its direction, or mode and direction.'),
  ),
  command: z.optional(
    described(
      z.enum(['PASV', 'EPSV', 'PORT', 'EPRT', 'none', 'own']),
      'The command that arranges the data connection. By itself PASV or PORT; own: passive mode as the client program chooses, basic-ftp EPSV and then PASV; none: active mode without PORT, on RFC 959’s default data port.',
    ),
  ),
};
const fileFields = {
  size: described(z.string().check(z.regex(SIZE)), 'How much moves, e.g. "1 MiB".'),
  lasting: z.optional(
    described(
      duration,
      'The sender spreads the file over this time, e.g. "20 s". By itself: as fast as it goes.',
    ),
  ),
};
const during = {
  'noop-every': z.optional(
    described(
      duration,
      'The client sends NOOP on the control connection so often while it waits for the end.',
    ),
  ),
  'set-timeouts': z.optional(
    described(
      z.extend(timeouts, { at: described(duration, 'How long after the transfer began.') }),
      'The firewall’s timeouts are changed while the file moves, e.g. { at: 5m, established: 2h }.',
    ),
  ),
};
const fileTransfer = z.strictObject({ ...transferFields, ...fileFields, ...during });

const probe = z.strictObject({
  name: z.optional(described(sentence(60), 'What expectations call it. By itself: probe.')),
  from: described(
    z.enum(['prober', 'neighbour']),
    'Who sends: a host outside (prober), or a second one inside (neighbour).',
  ),
  to: described(
    z.enum(['client', 'server', 'neighbour', 'prober', 'firewall']),
    'Whose address they go to; firewall: its address on the sender’s side.',
  ),
  flags: z.optional(described(z.enum(PROBE_FLAGS), 'TCP flags of the packets. By itself SYN.')),
  'source-ports': described(
    z.array(port).check(z.minLength(1), z.maxLength(16)),
    'Ports the packets come from.',
  ),
  ports: described(
    z.string().check(z.regex(PORT_LIST)),
    'Ports they go to: a list such as "20, 1025, 6000-6010", sample, or all.',
  ),
});

const keepAlive = described(
  z.string().check(z.regex(DURATION_OR_OFF)),
  'TCP keep-alive on the control connection: probes after so long a silence, or off. By itself as the program has it: basic-ftp after the system’s 2 h, ftp-srv none.',
);

const step = z.strictObject({
  download: z.optional(described(fileTransfer, 'RETR: the client fetches a generated file.')),
  upload: z.optional(described(fileTransfer, 'STOR: the client sends a generated file.')),
  list: z.optional(described(z.strictObject(transferFields), 'LIST: a directory listing.')),
  idle: z.optional(
    described(
      duration,
      'The session stays open, and nobody says anything for so long, e.g. "16 min" as 16m.',
    ),
  ),
  command: z.optional(
    described(z.enum(SHORT_COMMANDS), 'One short command on the control connection, and its reply.'),
  ),
  'set-timeouts': z.optional(
    described(
      timeouts,
      'The firewall’s timeouts are changed, as by an administrator, e.g. { established: 2h }.',
    ),
  ),
  probe: z.optional(described(probe, 'Single TCP packets, to see which of them the firewall lets through.')),
});

const firewall = z.strictObject({
  product: z.optional(
    described(
      z.enum(PRODUCT_NAMES),
      'A NetMAX release: its kind of firewall, and the modules it loads by itself.',
    ),
  ),
  kind: z.optional(
    described(z.enum(FIREWALL_KINDS), 'What enforces the rules. With a product: by itself the product’s.'),
  ),
  kernel: z.optional(
    described(
      z.enum(KERNELS),
      'kind ipchains: the Linux it is. By itself 2.2.19, whose ip_masq_ftp knows in_ports= and guards low ports; 2.2.14 is older.',
    ),
  ),
  nat: described(
    z.enum(NAT_MODES),
    'Whether inside addresses are hidden behind the firewall’s outside address.',
  ),
  policy: described(
    z.enum([...POLICIES, 'deny']),
    'What happens to a forwarded packet no rule speaks of; deny is ipchains’ word for drop.',
  ),
  input: z.optional(
    described(z.enum(POLICIES), 'What happens to packets to the firewall itself. By itself accept.'),
  ),
  tables: z.optional(
    described(
      z.array(z.enum(Object.keys(FAQ_TABLES))),
      'Rule tables of the FAQ, as printed (T1 to T5) or corrected, in this order and before `rules`.',
    ),
  ),
  rules: z.optional(
    described(
      z.string(),
      'Rules in the words of the firewall’s kind, or the FAQ’s own table. nftables: rules for forwarded packets, or whole tables, or nft commands as typed; iptables: commands, or iptables-save text; either is read by the tool itself; ipchains: commands, or a whole start script that begins with #!/bin/sh. Interfaces: inside, outside. Names: $inside_net, $outside_net, $client, $server, $firewall_inside, $firewall_outside, and $firewall_outside2 where there is a second address.',
    ),
  ),
  modules: z.optional(
    described(
      z.array(z.string()),
      'FTP modules as after modprobe, e.g. "ip_conntrack_ftp ports=21,2121". On today’s kernel: the helper, attached by rule.',
    ),
  ),
  attach: z.optional(
    described(
      z.enum(['rule', 'module']),
      'How the modules’ helper gets to its connections: by rule, which today’s kernel needs (by itself), or by loading the module alone, as up to Linux 4.6.',
    ),
  ),
  scripts: z.optional(
    described(
      z.strictObject({ 'rc.sysinit': z.optional(z.string()), 'rc.firewall.local': z.optional(z.string()) }),
      'Lines of a product’s start scripts: modprobe, and the kind’s own commands.',
    ),
  ),
  forward: z.optional(
    described(
      z.array(z.union([port, portRange])),
      'TCP ports of the outside address forwarded to the host inside, e.g. [21, "50000-50009"].',
    ),
  ),
  timeouts: z.optional(
    described(
      timeouts,
      'Timeouts of connection tracking, by TCP state, and of UDP, e.g. { established: 15m }. By itself as the kernel has them.',
    ),
  ),
  'second-address': z.optional(
    described(
      z.boolean(),
      'A second outside address, as carriers have many: $firewall_outside2 in rules, which must say what is translated to it.',
    ),
  ),
  loose: z.optional(
    described(
      z.boolean(),
      'Whether connection tracking takes up a connection in mid-life, at a packet that is no SYN (nf_conntrack_tcp_loose). By itself true.',
    ),
  ),
  liberal: z.optional(
    described(
      z.boolean(),
      'Whether it takes packets outside the TCP window for valid (nf_conntrack_tcp_be_liberal). By itself false.',
    ),
  ),
});

/** A scenario file, as YAML gives it. */
export const scenarioSchema = z.strictObject({
  title: described(sentence(120), 'What the experiment is, in a few words.'),
  claim: described(sentence(300), 'The one sentence the experiment tests.'),
  behind: described(z.enum(['client', 'server']), 'Which end is inside the firewall.'),
  tags: z.optional(
    described(z.array(z.string().check(z.regex(/^[a-z][a-z0-9-]*$/))), 'Words to select by, e.g. fast.'),
  ),
  twin: z.optional(
    described(
      sentence(60),
      'For a blocked scenario: the scenario that differs by the one change that frees it.',
    ),
  ),
  inside: z.optional(
    described(network, 'The inside network, a /24. By itself 10.0.0.0/24 with NAT, 198.51.100.0/24 without.'),
  ),
  firewall: described(firewall, 'The box in the middle.'),
  server: described(
    z.union([
      z.enum(SERVER_PROGRAMS),
      z.strictObject({
        program: z.enum(SERVER_PROGRAMS),
        port: z.optional(described(port, 'The control port. By itself 21.')),
        'passive-ports': z.optional(described(portRange, 'Ports PASV picks from, e.g. "50000-50099".')),
        address: z.optional(described(address, 'Another address in the server’s network.')),
        advertise: z.optional(
          described(z.enum(['own', 'firewall']), 'The address its replies to PASV name. By itself its own.'),
        ),
        'data-port': z.optional(
          described(
            z.enum(['standard', 'any']),
            'Where it dials active data connections from. By itself standard: the port below its control port, 20 for 21 (RFC 959).',
          ),
        ),
        'pasv-reply': z.optional(
          described(
            z.enum(['own', 'standard']),
            'How its 227 is worded: in the program’s own way (by itself), or “Entering Passive Mode”, which some helpers look for.',
          ),
        ),
        'busy-ports': z.optional(
          described(portRange, 'Ports of its host that another program listens on, e.g. "50000-50009".'),
        ),
        'keep-alive': z.optional(keepAlive),
        patience: z.optional(
          described(duration, 'How long it waits for data connections. By itself as the scenario’s.'),
        ),
        name: z.optional(
          described(
            z.string().check(z.regex(HOST_NAME)),
            'The client reaches it by this name, which a resolver outside knows, e.g. "ftp.example.net".',
          ),
        ),
        dns: z.optional(
          described(
            z.enum(['udp', 'tcp']),
            'How the resolver answers; tcp: over UDP only that it will not fit.',
          ),
        ),
      }),
    ]),
    'The FTP server program.',
  ),
  client: described(
    z.union([
      z.enum(CLIENT_PROGRAMS),
      z.strictObject({
        program: z.enum(CLIENT_PROGRAMS),
        address: z.optional(described(address, 'Another address in the client’s network.')),
        ports: z.optional(described(portRange, 'Ports it listens on in active mode, e.g. "50000-50009".')),
        advertise: z.optional(
          described(z.enum(['own', 'firewall']), 'The address its PORT names. By itself its own.'),
        ),
        'tcp-timestamps': z.optional(
          described(
            z.boolean(),
            'Whether its host offers TCP timestamps (RFC 7323), as hosts do by themselves. ip_masq_ftp to Linux 2.2.18 does not see PASV behind them.',
          ),
        ),
        'allow-separate-transfer-host': z.optional(
          described(
            z.boolean(),
            'basic-ftp’s option of that name: it takes a 227 that names another host than it is connected to, and dials the control connection’s address instead of a private one. By itself false: it refuses.',
          ),
        ),
        'hash-marks': z.optional(described(z.boolean(), 'It prints a # for every KiB moved.')),
        tls: z.optional(
          described(
            z.boolean(),
            'It encrypts the control connection before it logs in (AUTH TLS, RFC 4217).',
          ),
        ),
        'keep-alive': z.optional(keepAlive),
        patience: z.optional(
          described(duration, 'How long it waits without progress. By itself as the scenario’s.'),
        ),
      }),
    ]),
    'The FTP client program.',
  ),
  patience: z.optional(
    described(duration, 'How long client and server wait without progress. By itself 3 s.'),
  ),
  session: described(z.array(step).check(z.minLength(1), z.maxLength(50)), 'What the client does, in order.'),
  expect: described(sentences, 'What this lab has established; decides the exit code.'),
  claims: z.optional(
    described(
      z.record(
        z.string(),
        z.union([
          sentences,
          z.strictObject({
            when: described(sentence(120), 'What the verdict depends on, as it is in this scenario.'),
            checks: sentences,
          }),
        ]),
      ),
      'FAQ claims, and the checks that make each true. Its verdict is derived from them.',
    ),
  ),
});

export type ScenarioFile = z.infer<typeof scenarioSchema>;
