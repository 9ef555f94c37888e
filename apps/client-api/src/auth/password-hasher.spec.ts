import { loadConfig } from '@atoll/config';
import { MatrixError } from '@atoll/matrix';
import { expect, it } from '@jest/globals';
import { PasswordHasher } from './password-hasher.js';

const config = loadConfig({ ATOLL_PASSWORD_HASH_MEMORY_KIB: '8', ATOLL_PASSWORD_HASH_ITERATIONS: '1' });
const hasher = new PasswordHasher(config);

it('makes Argon2id hashes of the configured cost that match their password only', async () => {
  const hash = await hasher.hash('correct horse');
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$/);
  expect(await hasher.matches('correct horse', hash)).toBe(true);
  expect(await hasher.matches('correct house', hash)).toBe(false);
  expect(await hasher.matches('decoy', null)).toBe(false);
  expect(await hasher.matches('decoy', undefined)).toBe(false);
});

it('refuses what it could not do soon, and goes on', async () => {
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => hasher.hash('correct horse')));
  const refusals = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  expect(refusals.length).toBeGreaterThanOrEqual(100 - 64 - 3);
  expect(refusals.length).toBeLessThan(100 - 64);
  expect(refusals.every((error) => error instanceof MatrixError && error.status === 503)).toBe(true);
  expect(await hasher.hash('correct horse')).toContain('argon2id');
});

it('compares again after the time of its first comparison was too busy', async () => {
  const busy = new PasswordHasher(config);
  const hashes = Promise.allSettled(Array.from({ length: 100 }, () => busy.hash('correct horse')));
  await expect(busy.matches('decoy', undefined)).rejects.toMatchObject({ status: 503 });
  await hashes;
  expect(await busy.matches('decoy', undefined)).toBe(false);
  expect(await busy.matches('correct horse', await busy.hash('correct horse'))).toBe(true);
});
