import type { LabEvent, LineEvent, StepEvent } from '../../src/observe/event';
import { dialogueRows, difference } from '../../src/report/html/dialogue-lines';

// Which line at one end is which at the other: pure, on events as the lab makes them.

let clock = 0;
beforeEach(() => {
  clock = 0;
});

function line(vantage: 'client' | 'server', direction: LineEvent['direction'], text: string): LineEvent {
  clock += 1;
  const id = `e${clock}`;
  return { id, at: clock, kind: 'ftp-line', vantage, direction, line: text, peer: '', text };
}

/** A command as the client sent it and as the server got it; null where it was not seen. */
function command(sent: string | null, got: string | null = sent): LineEvent[] {
  return [
    ...(sent === null ? [] : [line('client', 'command', sent)]),
    ...(got === null ? [] : [line('server', 'command', got)]),
  ];
}

function reply(sent: string | null, got: string | null = sent): LineEvent[] {
  return [
    ...(sent === null ? [] : [line('server', 'reply', sent)]),
    ...(got === null ? [] : [line('client', 'reply', got)]),
  ];
}

function stepEnds(): StepEvent {
  clock += 1;
  const seen = { id: `e${clock}`, at: clock, vantage: 'lab', text: '' } as const;
  return { ...seen, kind: 'step', transfer: null, phase: 'end', error: null };
}

/** Rows as "fate: sent | got". */
function told(events: readonly LabEvent[]): string[] {
  return dialogueRows(events).map(
    ({ fate, sent, got }) => `${fate}: ${sent?.line ?? '-'} | ${got?.line ?? '-'}`,
  );
}

test('both directions stand in the order of sending', () => {
  const events = [...reply('220 hello'), ...command('USER a'), ...reply('230 in'), ...command('QUIT')];
  expect(told(events)).toEqual([
    'same: 220 hello | 220 hello',
    'same: USER a | USER a',
    'same: 230 in | 230 in',
    'same: QUIT | QUIT',
  ]);
});

test('a line that was rewritten on the way is one row', () => {
  const events = [
    ...command('PORT 10,0,0,10,4,1', 'PORT 203,0,113,1,4,1'),
    ...reply('227 Entering Passive Mode (10,0,0,20,4,2)', '227 Entering Passive Mode (203,0,113,1,4,2)'),
  ];
  expect(told(events).map((row) => row.split(':')[0])).toEqual(['changed', 'changed']);
});

test('the last reply lost, as when the control entry is gone', () => {
  expect(told([...command('RETR a'), ...reply('150 coming'), ...reply('226 done', null)])).toEqual([
    'same: RETR a | RETR a',
    'same: 150 coming | 150 coming',
    'lost: 226 done | -',
  ]);
});

test('a reply lost between two of its kind is not taken for a rewritten one', () => {
  expect(told([...reply('226 file-1', null), ...reply('226 file-2'), ...reply('226 file-3')])).toEqual([
    'lost: 226 file-1 | -',
    'same: 226 file-2 | 226 file-2',
    'same: 226 file-3 | 226 file-3',
  ]);
});

test('two lines lost in a row, among others', () => {
  expect(told([...command('NOOP', null), ...command('PASV', null), ...command('RETR a')])).toEqual([
    'lost: NOOP | -',
    'lost: PASV | -',
    'same: RETR a | RETR a',
  ]);
});

test('a line that nobody sent stands by itself', () => {
  expect(told([...reply('220 hello'), ...reply(null, '421 from the middle'), ...reply('230 in')])).toEqual([
    'same: 220 hello | 220 hello',
    'unsent: - | 421 from the middle',
    'same: 230 in | 230 in',
  ]);
});

test('what is sent when the session is over is no loss', () => {
  expect(told([...command('RETR a', null), stepEnds(), ...reply('221 bye', null)])).toEqual([
    'lost: RETR a | -',
    'late: 221 bye | -',
  ]);
});

test('lines by the thousand, with one lost at the beginning', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => command(`RETR file-${index}`)).flat();
  const rows = dialogueRows(many.slice(0, 1).concat(many.slice(2)));
  expect(rows.map(({ fate }) => fate).filter((fate) => fate !== 'same')).toEqual(['lost']);
});

test('a difference is told by whole numbers and words', () => {
  expect(difference('PORT 10,0,0,10,141,9', 'PORT 203,0,113,1,141,9')).toEqual([
    { before: 'PORT ', changed: '10,0,0,10', after: ',141,9' },
    { before: 'PORT ', changed: '203,0,113,1', after: ',141,9' },
  ]);
});

test.each([
  ['what one end lacks is marked at the other', 'PASV now', 'PASV', [' now', '']],
  ['nothing alike', 'USER a', 'QUIT', ['USER a', 'QUIT']],
  ['a character of two units stays whole', 'x 😀', 'x 😁', ['😀', '😁']],
])('%s', (_what, one, other, changed) => {
  const parts = difference(one, other);
  expect(parts.map((part) => part.changed)).toEqual(changed);
  expect(parts.map(({ before, changed: mid, after }) => before + mid + after)).toEqual([one, other]);
});
