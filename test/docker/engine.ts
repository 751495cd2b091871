/**
 * Tests that need something: where it is missing they are skipped by name, with the reason. CI counts
 * each as a failure. The one place where tests may be skipped.
 *
 * @param missing why they cannot run here; undefined when they can
 */
export function describeWhere(missing: string | undefined, name: string, tests: () => void): void {
  if (missing === undefined) describe(name, tests);
  else describe.skip(`${name} (skipped: ${missing})`, tests);
}

/** Tests that need a container engine; why there is none test/docker/global-setup.ts has found out. */
export function describeDocker(name: string, tests: () => void): void {
  describeWhere(process.env['LAB_TEST_NO_DOCKER'], name, tests);
}
