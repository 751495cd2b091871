/** Where the old firewall's tools are, below the router's directory. */
export const TOOL_DIRECTORY = 'bin';
