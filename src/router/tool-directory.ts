/** The root that programs of an old firewall are run in, below the router's directory: what start scripts see as `/`. */
export const OLD_ROOT = 'linux22';
/** Where the old firewall's tools are, below the router's directory, seen from in there and from outside alike. */
export const TOOL_DIRECTORY = `${OLD_ROOT}/tools`;
/** A start script, and what its shell writes while it runs: each command, its line in front. Both below the root. */
export const SCRIPT_FILE = 'etc/rc.d/rc.firewall';
export const TRACE_FILE = 'tools/trace';
