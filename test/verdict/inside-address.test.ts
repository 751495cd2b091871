import { runs } from '../support';

test('which clients get along with a private address in 227 is said of private ones alone', async () => {
  const done = await runs(['server-nat-passive', 'server-nat-shared-space']);
  const remedies = done.runs.map(({ diagnosis: [cause] }) => cause?.remedy);
  expect(done.runs.map(({ diagnosis: [cause] }) => cause?.code)).toEqual(
    Array(2).fill('inside-address-in-227'),
  );
  expect(remedies[0]).toContain('4 of 8 measured do: curl, lftp, ncftp and Python’s ftplib');
  expect(remedies[1]).not.toContain('measured');
});
