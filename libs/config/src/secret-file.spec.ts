import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readOrCreateSecretFile } from './index.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atoll-key-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a missing key is made for its owner alone, an existing one is left as it is', async () => {
  const path = join(folder, 'new', 'signing.key');
  expect(await readOrCreateSecretFile(path, () => 'first')).toBe('first');
  expect(await readOrCreateSecretFile(path, () => 'second')).toBe('first');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'new'))).toEqual(['signing.key']);
});

test('processes that start together agree on one key', async () => {
  const path = join(folder, 'signing.key');
  const script = join(folder, 'start.ts');
  const module = new URL('./secret-file.ts', import.meta.url).href;
  await writeFile(
    script,
    `import { readOrCreateSecretFile } from ${JSON.stringify(module)};
     const text = await readOrCreateSecretFile(${JSON.stringify(path)}, () => String(process.pid).repeat(1000));
     process.stdout.write(text);`,
  );
  const run = promisify(execFile);
  const starts = Array.from({ length: 4 }, () => run(process.execPath, [script], { env: {} }));
  const texts = (await Promise.all(starts)).map(({ stdout }) => stdout);
  expect(new Set(texts)).toEqual(new Set([await readFile(path, 'utf8')]));
});

test('a generator that fails leaves nothing behind', async () => {
  const path = join(folder, 'signing.key');
  await expect(readOrCreateSecretFile(path, () => Promise.reject(new Error('no entropy')))).rejects.toThrow(
    'no entropy',
  );
  expect(await readdir(folder)).toEqual([]);
});
