/** Why there is no engine for the Docker tests here; undefined when there is one (test/global-setup.ts). */
const missing = process.env['LAB_TEST_NO_DOCKER'];

/** Tests that need a container engine: skipped, by name and with the reason, where there is none. */
export const describeDocker =
  missing === undefined
    ? describe
    : (name: string, tests: () => void) => {
        describe.skip(`${name} (skipped: ${missing})`, tests);
      };
