import { decode, encode, streamEncode, type Packet, type RecordType } from 'dns-packet';
import fc from 'fast-check';
import { answer, zoneOf } from '../../src/resolver/answers';
import { frame, FrameSplitter } from '../../src/resolver/framing';

const NAMES = { 'ftp.example': '203.0.113.20', 'Files.Example.': '203.0.113.21' };
const ZONE = zoneOf(NAMES, false);
const CUT_SHORT = zoneOf(NAMES, true);
const RECURSION_DESIRED = 0x100;

function query(name: string, type: RecordType = 'A', change: Packet = {}): Buffer {
  const packet: Packet = { type: 'query', id: 4711, flags: RECURSION_DESIRED, questions: [{ name, type }] };
  return encode({ ...packet, ...change });
}

/** What matters of an answer. */
function said(message: Buffer, zone = ZONE, transport: 'udp' | 'tcp' = 'udp'): object {
  const answered = answer(message, zone, transport);
  if ('problem' in answered) return answered;
  const { id, type, flags = 0, flag_tc, flag_rd, flag_ra, answers, questions } = decode(answered.reply);
  expect([id, type, flag_ra, flag_rd]).toEqual([4711, 'response', true, true]);
  const records = (answers ?? []).map((record) => {
    if (record.type !== 'A') throw new Error(`a record of type ${record.type}`);
    return `${record.name} ${record.data}`;
  });
  return { name: answered.name, code: flags & 15, cut: flag_tc, records, asked: questions?.[0]?.name };
}

test('a name of the zone has its address, whatever its case', () => {
  const found = { code: 0, cut: false };
  const first = { name: 'ftp.example', asked: 'ftp.example', records: ['ftp.example 203.0.113.20'] };
  expect(said(query('ftp.example'))).toEqual({ ...found, ...first });
  const second = { name: 'fILES.example', asked: 'fILES.example', records: ['fILES.example 203.0.113.21'] };
  expect(said(query('fILES.example'))).toEqual({ ...found, ...second });
});

test('it has nothing of another type, and other names do not exist', () => {
  const known = { name: 'ftp.example', asked: 'ftp.example', cut: false, records: [] };
  expect(said(query('ftp.example', 'AAAA'))).toEqual({ ...known, code: 0 });
  expect(said(query('ftp.example', 'MX'))).toEqual({ ...known, code: 0 });
  const other = { name: 'www.example', asked: 'www.example', cut: false, records: [] };
  expect(said(query('www.example'))).toEqual({ ...other, code: 3 });
  expect(said(query('www.example', 'AAAA'))).toEqual({ ...other, code: 3 });
  expect(said(query('.'))).toMatchObject({ name: '.', code: 3 });
});

test('answers cut short carry TC and no record over UDP, and are whole over TCP', () => {
  const known = { name: 'ftp.example', asked: 'ftp.example', code: 0 };
  expect(said(query('ftp.example'), CUT_SHORT)).toEqual({ ...known, cut: true, records: [] });
  const whole = { ...known, cut: false, records: ['ftp.example 203.0.113.20'] };
  expect(said(query('ftp.example'), CUT_SHORT, 'tcp')).toEqual(whole);
  expect(said(query('www.example'), CUT_SHORT)).toMatchObject({ code: 3, cut: true });
});

test('an answer longer than the client takes over UDP is cut short too', () => {
  const name = Array.from({ length: 4 }, () => 'x'.repeat(61)).join('.');
  const zone = zoneOf({ [name]: '203.0.113.20' }, false);
  expect(said(query(name), zone)).toMatchObject({ cut: true, records: [] });
  expect(said(query(name), zone, 'tcp')).toMatchObject({ cut: false, records: [`${name} 203.0.113.20`] });
  expect(said(withEdns(name, 1232), zone)).toMatchObject({ cut: false, records: [`${name} 203.0.113.20`] });
});

test('a client that speaks EDNS is answered in it', () => {
  const answered = answer(withEdns('ftp.example', 4096), ZONE, 'udp');
  if ('problem' in answered) throw new Error(answered.problem);
  expect(decode(answered.reply).additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
  const plain = answer(query('ftp.example'), ZONE, 'udp');
  if ('problem' in plain) throw new Error(plain.problem);
  expect(decode(plain.reply).additionals).toEqual([]);
});

function withEdns(name: string, udpPayloadSize: number): Buffer {
  const edns = { extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] };
  return query(name, 'A', { additionals: [{ type: 'OPT', name: '.', udpPayloadSize, ...edns }] });
}

test('what it does not do is refused; what is no query is left alone', () => {
  const status = query('ftp.example', 'A', { flags: RECURSION_DESIRED | (2 << 11) });
  expect(said(status)).toMatchObject({ code: 4, records: [] });
  const chaos = query('ftp.example', 'A', { questions: [{ name: 'ftp.example', type: 'A', class: 'CH' }] });
  expect(said(chaos)).toMatchObject({ code: 5, records: [] });
  expect(said(query('ftp.example', 'A', { type: 'response' }))).toEqual({
    problem: 'a response, where queries are answered',
  });
  expect(said(query('ftp.example', 'A', { questions: [] }))).toEqual({
    problem: '0 questions, where one is answered',
  });
  const twice = { name: 'ftp.example', type: 'A' } as const;
  expect(said(query('ftp.example', 'A', { questions: [twice, twice] }))).toEqual({
    problem: '2 questions, where one is answered',
  });
  expect(said(Buffer.alloc(5))).toEqual({ problem: 'Header must be 12 bytes' });
  // A dot within a label: written again, it would be another name.
  const dotted = query('ftpxexample');
  dotted.write('.', dotted.indexOf('x'), 'latin1');
  expect(said(dotted)).toEqual({ problem: 'a name or class no host name has' });
});

test('an address that is none is refused by name', () => {
  expect(() => zoneOf({ 'ftp.example': '203.0.113' }, false)).toThrow(
    'the address of ftp.example is "203.0.113"; allowed: an IPv4 address such as 203.0.113.20',
  );
});

test('any bytes get an answer to just that question, or none, and nothing is thrown', () => {
  const sound = query('ftp.example');
  const damaged = fc
    .array(fc.tuple(fc.integer({ min: 0, max: sound.length - 1 }), fc.integer({ min: 0, max: 255 })))
    .map((changes) => {
      const bytes = Buffer.from(sound);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
  const headed = fc
    .uint8Array({ maxLength: 300 })
    .map((tail) => Buffer.concat([sound.subarray(0, 12), Buffer.from(tail)]));
  const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(random, headed, damaged), fc.boolean(), (message, cut) => {
      const answered = answer(message, cut ? CUT_SHORT : ZONE, cut ? 'udp' : 'tcp');
      if ('problem' in answered) {
        expect(answered.problem).not.toBe('');
        return;
      }
      const { reply } = answered;
      expect(reply.readUInt16BE(0)).toBe(message.readUInt16BE(0));
      const question = encode({ questions: [...(decode(reply).questions ?? [])] }).subarray(12);
      expect(message.subarray(12, 12 + question.length).equals(question)).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test('messages over TCP come out whole, however they are split', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 0, max: 12 })), (contents, cuts) => {
      const sent = contents.map((bytes) => Buffer.from(bytes));
      const stream = Buffer.concat(sent.map(frame));
      const splitter = new FrameSplitter();
      const received: Buffer[] = [];
      let from = 0;
      for (const length of [...cuts, stream.length]) {
        received.push(...splitter.push(stream.subarray(from, from + length)));
        from += length;
      }
      expect(received.map((bytes) => bytes.toString('hex'))).toEqual(
        sent.map((bytes) => bytes.toString('hex')),
      );
    }),
  );
  const packet: Packet = { type: 'query', id: 1, questions: [{ name: 'ftp.example', type: 'A' }] };
  expect(frame(encode(packet))).toEqual(streamEncode(packet));
});
