import fc from 'fast-check';

/**
 * The seed of whatever the tests draw at random, so that a change, and not chance, makes one go red. Others:
 * FUZZ_SEED=2 npx jest …; what fails is reported with its seed either way.
 */
export const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

// Jest reads this file before every test file (jest.config.js, setupFiles).
fc.configureGlobal({ seed: SEED });

/** Numbers from 0 to 1, the same for the same seed (Park and Miller's minimal standard). */
export function generator(seed: number): () => number {
  let state = (Math.abs(seed) % 2_147_483_646) + 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
