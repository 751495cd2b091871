import { HashMarks } from '../../src/client/hash-marks';
import { bundle, CLIENT, moved, pair, SERVER } from './agents';

function lines(expected: number, moves: readonly number[]): string[] {
  const told: string[] = [];
  const marks = new HashMarks(expected, (line) => told.push(line));
  for (const bytes of moves) marks.moved(bytes);
  marks.end();
  return told;
}

describe('the lines of marks', () => {
  test.each([0, 1, 1023, 1024, 1025, 65_535, 65_536, 66_560, 13_041_664, 64 * 2 ** 20, 199 * 4096 * 1024])(
    'of %d bytes hold a mark for every 1024 whole ones, in no more lines than allowed',
    (size) => {
      const told = lines(size, [Math.floor(size / 3), Math.floor(size / 2), size, size]);
      const marks = Math.floor(size / 1024);
      expect(told.filter((line) => !/^#+$/.test(line))).toEqual([]);
      expect(told.join('')).toHaveLength(marks);
      expect(told.length).toBeLessThanOrEqual(Math.min(Math.ceil(marks / 64), 200));
    },
  );

  test('come while the file moves, as soon as a line is full', () => {
    const told: string[] = [];
    const marks = new HashMarks(200 * 1024, (line) => told.push(line));
    marks.moved(64 * 1024 - 1);
    expect(told).toEqual([]);
    marks.moved(64 * 1024);
    expect(told).toEqual(['#'.repeat(64)]);
    marks.moved(129 * 1024);
    marks.end();
    expect(told.map((line) => line.length)).toEqual([64, 64, 1]);
  });

  test('stop after 200, and say so, when more comes than was expected', () => {
    const told = lines(1024, [2 ** 30]);
    expect(told).toHaveLength(200);
    expect(told.at(-2)).toBe('#'.repeat(64));
    expect(told.at(-1)).toBe('the record of hash marks stops after 200 lines');
  });
});

describe('a client told to print them', () => {
  const bundles = { client: bundle(CLIENT), server: bundle(SERVER) };
  const file = { name: 'a.bin', seed: 'a', size: 300_500, lasting: 0 };
  const ways = (['PASV', 'EPSV', 'PORT'] as const).flatMap((command) =>
    (['download', 'upload'] as const).map((direction) => [command, direction] as const),
  );

  test.each(ways)('prints one for every 1024 bytes of a %s %s', async (command, direction) => {
    const short = { ...file, name: 'b.bin', size: 5000 };
    const { client, server } = await pair(bundles, { client: { hashMarks: true }, files: [file, short] });
    await client.connect();
    expect(await client.transfer(command, direction, file)).toMatchObject({ error: null });
    await server.sync();
    expect(moved(client, server)).toEqual([{ name: 'a.bin', bytes: 300_500, same: true }]);
    expect(client.marks().map((line) => line.length)).toEqual([64, 64, 64, 64, 37]);
    // Each file is marked for itself.
    expect(await client.transfer(command, direction, short)).toMatchObject({ error: null });
    expect(client.marks().slice(5)).toEqual(['####']);
  });

  test('prints them while a paced file moves, before its end', async () => {
    const paced = { ...file, size: 160 * 1024, lasting: 1.5 };
    const { client } = await pair(bundles, { client: { hashMarks: true }, files: [paced] });
    await client.connect();
    await client.transfer('PASV', 'download', paced);
    const [first] = client.marks();
    expect(first).toHaveLength(64);
    const told = client.reports.findIndex((report) => report.type === 'log');
    const ended = client.reports.findIndex((report) => report.type === 'file');
    expect(told).toBeLessThan(ended);
    expect(client.marks().join('')).toHaveLength(160);
  });

  test('prints none when it was not told', async () => {
    const { client } = await pair(bundles, { files: [file] });
    await client.connect();
    for (const command of ['PASV', 'PORT'] as const) await client.transfer(command, 'download', file);
    expect(client.marks()).toEqual([]);
  });
});
