import { AccountTransactor, type Database, migrateToLatest, openDatabase } from '@atoll/database';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { UserId } from '@atoll/matrix';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ctl } from './ctl.spec-support.js';

let server: TestDatabase;
let database: Database;
beforeAll(async () => {
  server = await testDatabase();
  process.env['ATOLL_DATABASE_URL'] = server.url;
  process.env['ATOLL_SERVER_NAME'] = 'example.org';
  process.env['ATOLL_SERVER_NOTICES_USER'] = 'notices';
  database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'ctl-notices-spec' });
  await migrateToLatest(database.db);
  await database.db.transaction().execute(async (trx) => {
    for (const name of ['notices', 'alice', 'bob']) {
      const userId = `@${name}:example.org` as UserId;
      await new AccountTransactor(trx).create({ userId, passwordHash: null, isAdmin: false });
    }
  });
});
afterAll(async () => {
  delete process.env['ATOLL_SERVER_NOTICES_USER'];
  await database.close();
  await server.drop();
});

const notices = (...args: string[]) => ctl('notices', ...args);

test('sends to one, to everybody, and not twice under one id', async () => {
  expect(await notices()).toBe('no notices\n');
  expect(await notices('send', '@alice:example.org', 'hello', '--id', 'one')).toBe(
    'notice one goes to 1 user\n',
  );
  expect(await notices('send', '--all', 'hello', '--id', 'two')).toBe('notice two goes to 2 users\n');
  expect(await notices('send', '--all', 'hello', '--id', 'one')).toBe('notice one was sent before\n');
  expect(await notices('send', '--all', '--', '-- maintenance --')).toMatch(
    /^notice [-0-9a-f]{36} goes to 2/,
  );
  const lines = (await notices()).split('\n').map((line) => line.split(/ {2,}/).slice(1));
  expect(lines.slice(2, 4)).toEqual([
    ['2', '0', 'two'],
    ['1', '0', 'one'],
  ]);
});

test.each([
  [['@alice:example.org'], 'give a user id and a text'],
  [['@alice:example.org', 'two', 'words'], 'in quotes'],
  [['--all', '@alice:example.org', 'hello'], 'give a user id and a text'],
  [['@alice:example.org', ''], 'a notice has 1 to 32768 bytes'],
  [['@alice:example.org', 'x'.repeat(32_769)], 'a notice has 1 to 32768 bytes'],
  [['@alice:other.example', 'hello'], 'is no user of example.org'],
  [['alice', 'hello'], 'is no user of example.org'],
  [['@nobody:example.org', 'hello'], 'has no account here'],
])('refuses %j', async (args, message) => {
  await expect(notices('send', ...args)).rejects.toThrow(message);
});

test('refuses without an account to send by', async () => {
  process.env['ATOLL_SERVER_NOTICES_USER'] = '';
  await expect(notices('send', '--all', 'hello')).rejects.toThrow('ATOLL_SERVER_NOTICES_USER is not set');
  process.env['ATOLL_SERVER_NOTICES_USER'] = 'notices';
});
