import { now } from '../../src/agent/clock';

test('the clock is never before the wall clock’s last reading, nor a tick after its next', () => {
  for (let n = 0; n < 5000; n += 1) {
    const before = Date.now();
    const time = now() * 1000;
    const after = Date.now();
    // Date.now() cuts to milliseconds; a twentieth of one is the anchor's own inaccuracy.
    expect(time).toBeGreaterThanOrEqual(before - 0.05);
    expect(time).toBeLessThan(after + 1.05);
  }
});

test('the clock does not go back', () => {
  let last = 0;
  for (let n = 0; n < 5000; n += 1) {
    const time = now();
    expect(time).toBeGreaterThanOrEqual(last);
    last = time;
  }
});
