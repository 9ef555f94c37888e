import type { Migration } from 'kysely/migration';
import * as installation from './0001-installation.js';
import * as accounts from './0002-accounts.js';
import * as rooms from './0003-rooms.js';
import * as media from './0004-media.js';
import * as serverKeyAnswers from './0005-server-key-answers.js';
import * as federation from './0006-federation.js';
import * as receivedTransactions from './0007-received-transactions.js';
import * as destinations from './0008-destinations.js';
import * as openidTokens from './0009-openid-tokens.js';
import * as eventsByTime from './0010-events-by-time.js';

/**
 * Every migration in order. A migration is never changed once released, never imports today's table types, and only expands:
 * what an older release still reads or writes is taken away one release later.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-installation': installation,
  '0002-accounts': accounts,
  '0003-rooms': rooms,
  '0004-media': media,
  '0005-server-key-answers': serverKeyAnswers,
  '0006-federation': federation,
  '0007-received-transactions': receivedTransactions,
  '0008-destinations': destinations,
  '0009-openid-tokens': openidTokens,
  '0010-events-by-time': eventsByTime,
};
