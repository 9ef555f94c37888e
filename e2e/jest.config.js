import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import preset from '../jest.preset.js';

// Where a checkout of the specification lies beside this repository, answers are compared with it.
const specification = fileURLToPath(new URL('../../shared/matrix-spec', import.meta.url));
if (existsSync(specification)) process.env.MATRIX_SPEC_DIR ??= specification;

/** Runs against processes of the built apps; `globalSetup` starts the cluster that most files share, so build first. */
export default {
  ...preset,
  displayName: 'e2e',
  testMatch: ['<rootDir>/src/**/*.e2e.spec.ts'],
  globalSetup: '<rootDir>/dist/shared-cluster/global-setup.js',
  globalTeardown: '<rootDir>/dist/shared-cluster/global-teardown.js',
  testTimeout: 60_000,
  maxWorkers: 1,
  // matrix-js-sdk tells the console of every request.
  silent: true,
  // Each of its requests leaves a timer of 80 s behind.
  forceExit: true,
};
