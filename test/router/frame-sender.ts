// Sends random frames into the lab from one of its hosts: `frame-sender.js KOFFI INTERFACE MAC SEED COUNT`.
import { setImmediate as pause } from 'node:timers/promises';
import { describeErrno, loadSystemCalls } from '../../src/agent/system-calls';
import { frameMaker, generator } from '../linux22/random-frames';

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const ETH_P_IP = 0x0800;
const BATCH = 50;

const [directory = '', name = '', mac = '', seed = '0', count = '0'] = process.argv.slice(2);

async function main(): Promise<void> {
  const calls = loadSystemCalls(directory);
  const socket = calls.socket(AF_PACKET, SOCK_DGRAM, 0);
  if (socket < 0) throw new Error(describeErrno(calls.errno()).text);
  const to = Buffer.alloc(20);
  to.writeUInt16LE(AF_PACKET, 0);
  to.writeUInt16BE(ETH_P_IP, 2);
  to.writeInt32LE(calls.if_nametoindex(name), 4);
  to.writeUInt8(6, 11);
  to.set(Buffer.from(mac.replaceAll(':', ''), 'hex'), 12);
  const random = generator(Number(seed));
  const make = frameMaker(random, { client: '10.0.0.10', server: '203.0.113.20', firewall: '203.0.113.1' });
  let sent = 0;
  for (let number = 0; number < Number(count); number += 1) {
    const frame = make();
    // One in fifty to everybody.
    const everybody = random(50) === 0;
    const address = everybody
      ? Buffer.concat([to.subarray(0, 12), Buffer.alloc(6, 0xff), to.subarray(18)])
      : to;
    if (calls.sendto(socket, frame, frame.length, 0, address, address.length) >= 0) sent += 1;
    if (number % BATCH === 0) await pause();
  }
  process.stdout.write(`${sent}\n`);
}

void main();
