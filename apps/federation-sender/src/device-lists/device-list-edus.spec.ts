import { describe, expect, it } from '@jest/globals';
import type { DeviceChange, Introduction, LocalDevice, UserKey } from '@atoll/database';
import type { DeviceId, JsonObject, ServerName, UserId } from '@atoll/matrix';
import { DeviceListEdus, LEAST_PLACES } from './device-list-edus.js';

const PEER = 'peer.example' as ServerName;
const ALICE = '@alice:hs1' as UserId;
const BOB = '@bob:hs1' as UserId;

/** The log of what is owed to the peer: every device there is, by its stream id. */
class Owed {
  introductions: Introduction[] = [];
  changes: DeviceChange[] = [];
  /** What is asked of the database. */
  asked = 0;

  change(userId: UserId, streamId: number, deviceId: string, position = streamId): this {
    this.changes.push({ userId, streamId, deviceId: deviceId as DeviceId, prevId: streamId - 1, position });
    return this;
  }

  edus(cacheBytes?: number): DeviceListEdus {
    const reader = {
      owedTo: () =>
        Promise.resolve({
          introductions: this.introductions,
          changes: this.introductions.length > 0 ? [] : this.changes,
          newest: this.changes.at(-1)?.position ?? 0,
          isTruncated: false,
        }),
      introducing: (users: readonly UserId[]) =>
        Promise.resolve(this.changes.filter(({ userId }) => users.includes(userId))),
      devicesOf: () => {
        this.asked += 1;
        const devices = this.changes.map(({ userId, deviceId }): LocalDevice => {
          return { userId, deviceId: deviceId as DeviceId, displayName: null, keys: undefined };
        });
        return Promise.resolve(devices);
      },
    };
    const keys = {
      crossSigningKeysOf: (users: readonly UserId[]) =>
        Promise.resolve(
          users.map((userId): UserKey => {
            return { userId, usage: 'master', publicKey: 'm', key: { user_id: userId } };
          }),
        ),
    };
    const sharing = {
      lately: (users: readonly UserId[]) =>
        Promise.resolve(new Map(users.map((user) => [user, new Set([PEER])]))),
    };
    return new DeviceListEdus(reader, keys, sharing, cacheBytes);
  }
}

/** The stream id of an update of a device, and `keys` for one of cross-signing keys. */
const told = (edus: readonly JsonObject[] = []) =>
  edus.map(({ edu_type, content }) =>
    edu_type === 'm.signing_key_update' ? 'keys' : (content as JsonObject)['stream_id'],
  );

describe('what a destination is told of device lists', () => {
  it('is of a user who comes also the cross-signing keys, both in one transaction', async () => {
    const owed = new Owed().change(ALICE, 7, 'A').change(ALICE, 5, '').change(BOB, 3, 'B');
    owed.introductions = [ALICE, BOB].map((userId) => ({ userId, position: 1 }));
    const lists = owed.edus();
    expect(told((await lists.next(PEER, 100))?.edus)).toEqual([7, 'keys', 3]);
    const introductions = [owed.introductions[0]];
    expect(await lists.next(PEER, 2)).toMatchObject({ progress: { introductions }, isMore: true });
    expect(await lists.next(PEER, 1)).toEqual({
      edus: [],
      progress: { upTo: undefined, introductions: [] },
      isMore: true,
    });
  });

  it('is all of it, also where the cache does not hold so much', async () => {
    const owed = new Owed();
    for (let i = 1; i <= 20; i++) owed.change(ALICE, i, `D${i}`);
    const lists = owed.edus(4_000);
    await lists.next(PEER, 100);
    const next = await lists.next(PEER, 100);
    expect(told(next?.edus)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(next?.progress.upTo).toBe(20);
    await lists.next(PEER, 100);
    expect(owed.asked).toBe(3);
  });

  it('waits for the next transaction where this one has no place for a whole commit', async () => {
    const owed = new Owed().change(ALICE, 1, '', 1).change(ALICE, 2, 'A', 1).change(ALICE, 3, 'A', 2);
    const lists = owed.edus();
    expect(await lists.next(PEER, 1)).toEqual({
      edus: [],
      progress: { upTo: undefined, introductions: [] },
      isMore: true,
    });
    expect(await lists.next(PEER, 2)).toMatchObject({ progress: { upTo: 1 }, isMore: true });
    expect(told((await lists.next(PEER, 3))?.edus)).toEqual(['keys', 2, 3]);
  });

  it('is the newest, and the cross-signing keys, of a commit for which no transaction is large enough', async () => {
    const owed = new Owed();
    owed.change(ALICE, 1, '', 1);
    for (let i = 2; i <= 101; i++) owed.change(ALICE, i, `D${i}`, 1);
    const next = await owed.edus().next(PEER, 100);
    expect(told(next?.edus)).toEqual(['keys', ...Array.from({ length: 99 }, (_, index) => index + 3)]);
    expect(next).toMatchObject({ progress: { upTo: 1 }, isMore: false });
  });

  it('is not held up by a large commit while messages to devices take the places that they may', async () => {
    const owed = new Owed();
    owed.change(ALICE, 1, '', 1);
    for (let i = 2; i <= 80; i++) owed.change(ALICE, i, `D${i}`, 1);
    const next = await owed.edus().next(PEER, LEAST_PLACES);
    expect(told(next?.edus)).toEqual(['keys', ...Array.from({ length: 49 }, (_, index) => index + 32)]);
    expect(next).toMatchObject({ progress: { upTo: 1 }, isMore: false });
  });
});
