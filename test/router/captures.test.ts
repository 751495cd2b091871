import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PcapReader } from '../../src/observe/pcap';
import { FOLDER, recorded } from '../catalogue';
import { decode } from '../linux22/packets';

// What the router put on the wire, read back from the captures by another's code: every length and checksum of
// IP, TCP and UDP is right, also where addresses, ports, PORT and sequence numbers were rewritten.

/** Every IPv4 packet of a capture, decoded; `decode` throws at a wrong checksum. */
function packets(file: string): ReturnType<typeof decode>[] {
  const found: ReturnType<typeof decode>[] = [];
  new PcapReader().push(readFileSync(file), ({ data, length }) => {
    if (data.readUInt16BE(12) !== 0x0800) return;
    expect(data.length).toBe(length);
    found.push(decode(data.subarray(14, 14 + data.readUInt16BE(16))));
  });
  return found;
}

test.each([
  ['masq-module-active', /^PORT 203,0,113,1,/],
  ['masq-module-in-ports', /^227 Entering Passive Mode \(203,0,113,1,/],
  ['dns-udp-ipchains', /^PORT 198,51,100,10,/],
])('%s', async (scenario, rewritten) => {
  const [run] = await recorded([scenario]);
  const directory = join(FOLDER, run?.artifacts.directory ?? 'none');
  const [inside, outside] = ['inside', 'outside'].map((leg) => packets(join(directory, `${leg}.pcap`)));
  expect(inside?.length).toBeGreaterThan(40);
  expect(outside?.length).toBe(inside?.length);
  expect(outside?.some(({ payload }) => rewritten.test(payload))).toBe(true);
});
