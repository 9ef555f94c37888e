import { randomUUID } from 'node:crypto';
import type { Config } from '@atoll/config';
import { ServerNoticeReader, ServerNoticeTransactor } from '@atoll/database';
import { isUserId, serverNameOf, type UserId } from '@atoll/matrix';
import { CommandFailed } from './command-failed.js';
import { print, printTable } from './output.js';
import { withDatabase } from './with-database.js';

const NEWEST = 100;
/** With all that surrounds it, an event holds that much. */
const MAX_TEXT_BYTES = 32_768;
const MAX_ID_BYTES = 255;

export interface SendNoticeOptions {
  all: boolean;
  id?: string;
}

/** Has users told something by the services, now or when they run. */
export async function sendNotice(words: string[], { all, id }: SendNoticeOptions): Promise<void> {
  const [whom, text] = all ? ['all', ...words] : words;
  if (whom === undefined || text === undefined || words.length > (all ? 1 : 2)) {
    throw new CommandFailed(
      'give a user id and a text, or --all and a text; a text of several words in quotes',
    );
  }
  if (text === '' || Buffer.byteLength(text) > MAX_TEXT_BYTES) {
    throw new CommandFailed(`a notice has 1 to ${MAX_TEXT_BYTES} bytes`);
  }
  if (id !== undefined && Buffer.byteLength(id) > MAX_ID_BYTES) {
    throw new CommandFailed(`an id has at most ${MAX_ID_BYTES} bytes`);
  }
  await withDatabase(async (database, config) => {
    const { serverNotices } = config;
    if (serverNotices === undefined) throw new CommandFailed('ATOLL_SERVER_NOTICES_USER is not set');
    const to = all ? 'all' : localUser(whom, config);
    const notice = { noticeId: id ?? randomUUID(), body: text };
    const count = await database.db.transaction().execute(async (transaction) => {
      const added = await new ServerNoticeTransactor(transaction).add(notice, to, serverNotices.userId);
      // Nothing of it is kept, so that the id is free for another try.
      if (added === 0) throw new CommandFailed(all ? 'there are no users' : `${whom} has no account here`);
      return added;
    });
    if (count === undefined) print(`notice ${notice.noticeId} was sent before`);
    else print(`notice ${notice.noticeId} goes to ${count} ${count === 1 ? 'user' : 'users'}`);
  });
}

/** Lists the newest notices and how many users they have not reached. */
export async function listNotices(): Promise<void> {
  await withDatabase(async (database) => {
    const notices = await new ServerNoticeReader(database).newest(NEWEST);
    if (notices.length === 0) {
      print('no notices');
      return;
    }
    const rows = notices.map(({ noticeId, createdTs, waiting, givenUp }) => [
      new Date(createdTs).toISOString(),
      String(waiting),
      String(givenUp),
      noticeId,
    ]);
    printTable(['AT', 'WAITING', 'GIVEN UP', 'ID'], rows);
  });
}

function localUser(text: string, { serverName }: Config): UserId {
  if (!isUserId(text) || serverNameOf(text) !== serverName) {
    throw new CommandFailed(`${text} is no user of ${serverName}`);
  }
  return text;
}
