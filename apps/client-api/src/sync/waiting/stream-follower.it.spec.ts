import { AccountDataTransactor, commitInLanes, type StreamChange } from '@atoll/database';
import { connectRedis } from '@atoll/redis-streams';
import { createLogger } from '@atoll/telemetry';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSyncApp, type SyncApp } from '../sync-app.spec-support.js';
import { StreamFollower } from './stream-follower.js';

describe('StreamFollower', () => {
  let app: SyncApp;
  beforeAll(async () => {
    app = await startSyncApp();
  });
  afterAll(() => app.close());

  it('tells again what could not be told', async () => {
    const { userId } = await app.register('alice');
    const told: StreamChange[] = [];
    const done = Promise.withResolvers<undefined>();
    let failures = 0;
    const redis = connectRedis(app.redisUrl, 'spec');
    const follower = new StreamFollower({
      database: app.database,
      redis,
      logger: createLogger('spec', 'silent'),
      name: 'spec',
      onChanges: (stream, changes) => {
        if (stream === 'account_data' && failures++ === 0) throw new Error('No');
        if (stream !== 'account_data') return;
        told.push(...changes);
        done.resolve(undefined);
      },
    });
    await follower.start();
    await commitInLanes(app.database.db, (trx, closing) =>
      new AccountDataTransactor(trx, closing).put(userId, '', 'org.example.type', {}),
    );
    await done.promise;
    expect(told).toEqual([{ position: expect.any(Number), roomNid: null, userId }]);
    await follower.stop();
    redis.disconnect();
  });
});
