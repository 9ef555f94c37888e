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
import * as ephemeral from './0011-ephemeral.js';
import * as relations from './0012-relations.js';
import * as slidingSync from './0013-sliding-sync.js';
import * as reports from './0014-reports.js';
import * as eventSearch from './0015-event-search.js';
import * as userDirectory from './0016-user-directory.js';
import * as delayedEvents from './0017-delayed-events.js';
import * as roomJobs from './0018-room-jobs.js';
import * as threadSubscriptions from './0019-thread-subscriptions.js';
import * as serverNotices from './0020-server-notices.js';
import * as unreadCounts from './0022-unread-counts.js';
import * as deviceKeys from './0023-device-keys.js';
import * as deviceListsOverFederation from './0024-device-lists-over-federation.js';
import * as toDevice from './0025-to-device.js';
import * as keyBackups from './0026-key-backups.js';
import * as dehydratedDevices from './0027-dehydrated-devices.js';
import * as roomJobIndexes from './0031-room-job-indexes.js';
import * as historyInGaps from './0032-history-in-gaps.js';
import * as guests from './0033-guests.js';
import * as encryptionInTime from './0034-encryption-in-time.js';

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
  '0011-ephemeral': ephemeral,
  '0012-relations': relations,
  '0013-sliding-sync': slidingSync,
  '0014-reports': reports,
  '0015-event-search': eventSearch,
  '0016-user-directory': userDirectory,
  '0017-delayed-events': delayedEvents,
  '0018-room-jobs': roomJobs,
  '0019-thread-subscriptions': threadSubscriptions,
  '0020-server-notices': serverNotices,
  '0022-unread-counts': unreadCounts,
  '0023-device-keys': deviceKeys,
  '0024-device-lists-over-federation': deviceListsOverFederation,
  '0025-to-device': toDevice,
  '0026-key-backups': keyBackups,
  '0027-dehydrated-devices': dehydratedDevices,
  '0031-room-job-indexes': roomJobIndexes,
  '0032-history-in-gaps': historyInGaps,
  '0033-guests': guests,
  '0034-encryption-in-time': encryptionInTime,
};
