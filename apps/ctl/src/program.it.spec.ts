import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccountReader, RegistrationTokenTransactor, openDatabase } from '@atoll/database';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import { parseSigningKey } from '@atoll/event-crypto';
import type { UserId } from '@atoll/matrix';
import { verify } from '@node-rs/argon2';
import { sql } from 'kysely';
import { ranges } from './partitions.command.js';
import { ctl } from './ctl.spec-support.js';

let server: TestDatabase;
let folder: string;

beforeAll(async () => {
  server = await testDatabase({ empty: true });
  folder = await mkdtemp(join(tmpdir(), 'atoll-ctl-'));
  process.env['ATOLL_DATABASE_URL'] = server.url;
  process.env['ATOLL_SERVER_NAME'] = 'example.org';
  process.env['ATOLL_DATA_DIR'] = folder;
  process.env['ATOLL_PASSWORD_HASH_MEMORY_KIB'] = '64';
});
afterAll(async () => {
  await server.drop();
  await rm(folder, { recursive: true });
});

async function withDatabase<T>(work: (database: ReturnType<typeof openDatabase>) => Promise<T>): Promise<T> {
  const database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'ctl-spec' });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

describe('ctl', () => {
  test('migrates once', async () => {
    expect(await ctl('migrate')).toMatch(/^applied 0001-installation\n(.*\n)*the schema is current\n$/);
    expect(await ctl('migrate')).toBe('the schema was current\n');
  });

  test('refuses the database of another server', async () => {
    process.env['ATOLL_SERVER_NAME'] = 'other.example';
    await expect(ctl('migrate')).rejects.toThrow('belongs to example.org');
    process.env['ATOLL_SERVER_NAME'] = 'example.org';
  });

  test('creates an account whose password verifies, once', async () => {
    const file = join(folder, 'password');
    await writeFile(file, 'correct horse\n');
    const args = ['create-user', 'alice', '--admin', '--password-file', file];
    expect(await ctl(...args)).toBe('created @alice:example.org, an administrator\n');
    const account = await withDatabase((database) =>
      new AccountReader(database).find('@alice:example.org' as UserId),
    );
    expect(account).toMatchObject({ isAdmin: true, isDeactivated: false });
    expect(account?.passwordHash).toMatch(/^\$argon2id\$/);
    expect(await verify(account?.passwordHash ?? '', 'correct horse')).toBe(true);
    await expect(ctl(...args)).rejects.toThrow('@alice:example.org exists already');
  });

  test.each(['Alice', 'a:b', 'ä', 'a'.repeat(300)])('refuses the localpart %s', async (localpart) => {
    await expect(ctl('create-user', localpart, '--password-file', '/dev/null')).rejects.toThrow(
      'is no user id',
    );
  });

  test('makes a registration token that admits as many as it says', async () => {
    const token = (await ctl('create-registration-token', '--uses', '1')).trim();
    const spend = () =>
      withDatabase(({ db }) =>
        db.transaction().execute((transaction) => new RegistrationTokenTransactor(transaction).spend(token)),
      );
    expect(await spend()).toBe(true);
    expect(await spend()).toBe(false);
    await expect(ctl('create-registration-token', '--uses', 'many')).rejects.toThrow('is no number of uses');
  });

  test('shows owners, and partitions whose owner is dead', async () => {
    await withDatabase(async ({ db }) => {
      await sql`INSERT INTO members VALUES ('room-state', 'one', now() + interval '1 hour'),
        ('room-state', 'dead', now() - interval '1 hour')`.execute(db);
      await sql`INSERT INTO partitions VALUES ('room-state', 0, 'one', 3), ('room-state', 1, 'one', 4),
        ('room-state', 2, 'dead', 9), ('room-state', 3, NULL, 0)`.execute(db);
    });
    const lines = (await ctl('partitions')).split('\n').map((line) => line.split(/ {2,}/));
    expect(lines).toContainEqual(['room-state', 'one', 'alive', '2', '4', '0-1']);
    expect(lines).toContainEqual(['room-state', 'dead', 'UNOWNED', '1', '9', '2']);
    expect(lines).toContainEqual(['room-state', '(nobody)', 'UNOWNED', '1', '0', '3']);
  });

  test('shows destinations, and lets one that fails be tried at once', async () => {
    expect(await ctl('destinations')).toMatch(/^no destinations yet/);
    await withDatabase(async ({ db }) => {
      await sql`INSERT INTO destinations VALUES ('good.example', 0, 7, NULL, NULL, NULL), ('bad.example', 1, 5, 0, 60000, 8000)`.execute(
        db,
      );
      await sql`INSERT INTO destination_rooms VALUES ('good.example', 1, 7), ('bad.example', 1, 7)`.execute(
        db,
      );
    });
    const bad = async () => (await ctl('destinations')).split('\n')[1]?.split(/ {2,}/);
    const failingSince = '1970-01-01T00:00:00.000Z';
    expect(await bad()).toEqual(['bad.example', '5', '1', failingSince, '1970-01-01T00:01:00.000Z']);
    expect(await ctl('destinations')).toMatch(/\ngood\.example +7 +0 +- +-\n/);
    expect(await ctl('destinations', 'retry', 'bad.example')).toBe('bad.example is tried within a second\n');
    expect(await bad()).toEqual(['bad.example', '5', '1', failingSince, '-']);
    await expect(ctl('destinations', 'retry', 'bad.example')).rejects.toThrow('is not waiting');
    await expect(ctl('destinations', 'retry', 'not a name')).rejects.toThrow('is no server name');
  });

  test('writes numbers as ranges', () => {
    expect(ranges([0, 1, 2, 5, 7, 8])).toBe('0-2,5,7-8');
  });

  test('makes a signing key that only its owner can read, and overwrites none', async () => {
    const file = join(folder, 'signing.key');
    await ctl('signing-key', 'generate', file);
    const key = await readFile(file, 'utf8');
    expect(parseSigningKey(key).keyId).toMatch(/^ed25519:/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await expect(ctl('signing-key', 'generate', file)).rejects.toThrow('cannot write');
    expect(await readFile(file, 'utf8')).toBe(key);
  });

  test('checks the configuration, and shows no secret', async () => {
    const shown = await ctl('config', 'check');
    expect(shown).toMatch(/ATOLL_SERVER_NAME +example\.org/);
    expect(shown).toMatch(/ATOLL_DATABASE_URL +\(set\)/);
    process.env['ATOLL_NO_SUCH'] = '1';
    await expect(ctl('config', 'check')).rejects.toThrow('ATOLL_NO_SUCH');
    delete process.env['ATOLL_NO_SUCH'];
  });
});
