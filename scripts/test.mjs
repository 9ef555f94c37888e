// `npm test`: format, lint, type check, unit and integration tests, end-to-end tests; `npm test -- <pattern>` runs the
// test files whose path matches. Ends with one line `N passed, N failed`; a stage without tests counts as one test.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { bin, build, importBuilt, prepare, root, say } from './prepare.mjs';

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const minutes = 60_000;

await prepare('libs/embedded');
const patterns = process.argv.slice(2);
if (patterns.length === 0) {
  stage('format', () => check('prettier', ['--check', '--log-level', 'warn', '.']));
  stage('lint', () => check('nx', ['show', 'projects'], 'ignore') && check('eslint', ['.']));
  stage('lint canary', boundaryRuleIsAwake);
  stage(
    'generated files',
    () =>
      spawnSync(process.execPath, [join(root, 'scripts/generate-deploy.mjs'), '--check'], {
        stdio: 'inherit',
      }).status === 0,
  );
}
stage('type check', build);
await runTests();

for (const failure of failures) say(`FAILED ${failure}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed > 0 ? 1 : 0);

function stage(name, run) {
  const began = Date.now();
  const passed = run();
  total[passed ? 'passed' : 'failed'] += 1;
  say(`${name} ${passed ? 'passed' : 'FAILED'} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
}

function check(tool, args, stdout = 'inherit') {
  const env = { ...process.env, NX_DAEMON: 'false' };
  return spawnSync(bin(tool), args, { cwd: root, env, stdio: ['ignore', stdout, 'inherit'] }).status === 0;
}

/** Without a cached project graph, the boundary rule is silent: it has to refuse what is forbidden. */
function boundaryRuleIsAwake() {
  const input = "import 'kysely';\nimport '@atoll/database';\n";
  const args = ['--stdin', '--stdin-filename', 'libs/matrix/src/index.ts', '--format', 'json'];
  const { stdout } = spawnSync(bin('eslint'), args, { cwd: root, input, encoding: 'utf8' });
  const found = JSON.parse(stdout)[0].messages.filter(
    ({ ruleId }) => ruleId === '@nx/enforce-module-boundaries',
  );
  return found.length === 2;
}

/** Unit and integration tests, then end-to-end tests, all on one PostgreSQL. */
async function runTests() {
  const { startTestPostgres } = await importBuilt('libs/embedded');
  const postgres = await startTestPostgres();
  const environment = {
    ATOLL_TEST_POSTGRES_URL: postgres.url('postgres'),
    ATOLL_TEST_TEMPLATE: await migratedTemplate(postgres),
  };
  try {
    await jest('unit and integration tests', '.', ['--maxWorkers=2'], environment, 30 * minutes);
    await jest('end-to-end tests', 'e2e', ['--runInBand'], environment, 45 * minutes);
  } finally {
    await postgres.stop();
  }
}

/** @returns the name of a database that has the schema, for others to be copied from */
async function migratedTemplate(postgres) {
  const { migrateToLatest, openDatabase } = await importBuilt('libs/database');
  const name = 'atoll_template';
  const url = await postgres.createDatabase(name);
  const database = openDatabase({ url, poolSize: 1, applicationName: 'template', statementTimeoutMs: 0 });
  await migrateToLatest(database.db);
  await database.close();
  return name;
}

async function jest(name, folder, options, environment, timeout) {
  const results = mkdtempSync(join(tmpdir(), 'atoll-results-'));
  const file = join(results, 'results.json');
  const args = [
    '--json',
    '--outputFile',
    file,
    '--passWithNoTests',
    '--testTimeout=30000',
    // What a test left open must not keep the run from ending.
    '--forceExit',
    ...options,
    ...patterns,
  ];
  const env = {
    ...process.env,
    ...environment,
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
    // The end-to-end tests start hundreds of processes of the same code.
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile'),
  };
  const child = spawn(bin('jest'), args, {
    cwd: join(root, folder),
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout,
  });
  const status = await new Promise((resolve) => child.on('exit', resolve));
  count(name, status, file);
  rmSync(results, { recursive: true });
}

function count(name, status, file) {
  let found = {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    numRuntimeErrorTestSuites: 0,
    testResults: [],
  };
  try {
    found = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    say(`${name}: jest left no results`);
  }
  const failed = found.numFailedTests + found.numRuntimeErrorTestSuites;
  failures.push(...found.testResults.filter(({ status }) => status === 'failed').flatMap(failuresOf));
  total.passed += found.numPassedTests;
  // Jest also fails for what is no test: a worker that died, a run that took too long.
  total.failed += failed === 0 && status !== 0 ? 1 : failed;
  total.skipped += found.numPendingTests + found.numTodoTests;
  say(`${name}: ${found.numPassedTests} passed, ${failed} failed, jest ended with ${status}`);
}

/** What failed in a file, a line each: long output is often read from its end. */
function failuresOf({ name, message, assertionResults }) {
  const file = relative(root, name);
  const tests = assertionResults.filter(({ status }) => status === 'failed');
  const line = (text = '') =>
    text
      .replace(/\u001b\[\d+m/g, '')
      .split('\n')
      .slice(0, 3)
      .join(' ')
      .slice(0, 300);
  if (tests.length === 0) return [`${file}: ${line(message)}`];
  return tests.map(({ fullName, failureMessages }) => `${file}: ${fullName}: ${line(failureMessages[0])}`);
}
