import {
  AccountTransactor,
  EventReader,
  MembershipJobReader,
  ProfileReader,
  ProfileTransactor,
  RoomReader,
  StrippedStateReader,
} from '@atoll/database';
import { MatrixError, type RoomId, type UserId } from '@atoll/matrix';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { openPlatform, type Platform } from '../platform/platform.js';
import { ViaServers } from '../rooms/membership/via-servers.js';
import { startTestClientApi, type TestClientApi, textOf } from '../test-client-api.spec-support.js';
import { MembershipFollower } from './membership-follower.js';
import { RoomChanges } from './room-changes.js';
import { startScriptedRoomState, writeMembership } from './scripted-room-state.spec-support.js';

const ALICE = '@alice:hs1' as UserId;
const ONE = '!one:hs1' as RoomId;
const TWO = '!two:hs1' as RoomId;

let api: TestClientApi;
let roomState: Awaited<ReturnType<typeof startScriptedRoomState>>;
let platforms: Platform[];
let first: MembershipFollower;
let second: MembershipFollower;

beforeAll(async () => {
  api = await startTestClientApi();
  await api.database.db
    .transaction()
    .execute((trx) =>
      new AccountTransactor(trx).create({ userId: ALICE, passwordHash: null, isAdmin: false }),
    );
  for (const room of [ONE, TWO]) await writeMembership(api.database, ALICE, room, 'join');
  roomState = await startScriptedRoomState(api.database, api.redisUrl, api.config.partitions);
  platforms = await Promise.all(
    ['one', 'two'].map((instanceId) => openPlatform({ ...api.config, instanceId })),
  );
  [first, second] = platforms.map(followerOn) as [MembershipFollower, MembershipFollower];
});
afterAll(async () => {
  await Promise.all(platforms.map((platform) => platform.close()));
  await api.close();
  await roomState.close();
});
beforeEach(() => {
  roomState.asked.length = 0;
});
afterEach(() => {
  roomState.script.onChange = () => undefined;
});

function followerOn({ config, database, logger, rooms }: Platform): MembershipFollower {
  const reader = new RoomReader(database);
  const via = new ViaServers(reader, new EventReader(database), new StrippedStateReader(database), config);
  const changes = new RoomChanges(reader, new ProfileReader(database), via, rooms);
  return new MembershipFollower(database, logger, new MembershipJobReader(database), changes);
}

const rename = (follower: MembershipFollower, name: string) =>
  follower.follow(ALICE, 'update-profile', (trx) =>
    new ProfileTransactor(trx).setField(ALICE, 'displayname', name),
  );
const jobs = () => api.database.db.selectFrom('membership_jobs').selectAll().execute();
const told = () =>
  roomState.asked.map(({ roomId, content }) => `${roomId} ${textOf(content['displayname'])}`).sort();

it('takes up what a dead instance has left', async () => {
  const claimed_until = new Date(Date.now() - 1000);
  await api.database.db
    .insertInto('membership_jobs')
    .values({ user_id: ALICE, kind: 'update-profile', claimed_until })
    .execute();
  await Promise.all([first.takeUpLeftJobs(), second.takeUpLeftJobs()]);
  expect(roomState.asked).toHaveLength(2);
  expect(await jobs()).toEqual([]);
});

it('tries again what was unreachable, but not what was refused', async () => {
  roomState.script.onChange = ({ roomId }) => {
    if (roomId === ONE) throw new MatrixError(503, 'M_LIMIT_EXCEEDED', 'busy');
    throw new MatrixError(403, 'M_FORBIDDEN', 'no');
  };
  await rename(first, 'Alice');
  expect(await jobs()).toHaveLength(1);
  roomState.script.onChange = ({ roomId }) => {
    if (roomId === TWO) throw new MatrixError(403, 'M_FORBIDDEN', 'no');
  };
  await second.takeUpLeftJobs();
  expect(told()).toEqual([`${ONE} Alice`, `${ONE} Alice`, `${TWO} Alice`, `${TWO} Alice`]);
  expect(await jobs()).toEqual([]);
});

it('tells the newest profile last, whichever instance changed it', async () => {
  const started = Promise.withResolvers<undefined>();
  const mayGoOn = Promise.withResolvers<undefined>();
  roomState.script.onChange = async () => {
    started.resolve(undefined);
    await mayGoOn.promise;
  };
  const older = rename(first, 'older');
  await started.promise;
  await rename(second, 'newer');
  mayGoOn.resolve(undefined);
  await older;
  expect(told()).toEqual([`${ONE} newer`, `${ONE} older`, `${TWO} newer`, `${TWO} older`]);
  expect(await jobs()).toEqual([]);
});

it('tells the rooms of each change, however soon it follows the one before', async () => {
  await rename(first, 'one');
  await rename(second, 'two');
  await rename(first, 'one');
  expect(told()).toEqual([ONE, TWO].flatMap((room) => [`${room} one`, `${room} one`, `${room} two`]));
});

it('forgets nothing of a change that fails', async () => {
  const failing = first.follow(ALICE, 'update-profile', () => Promise.reject(new Error('refused')));
  await expect(failing).rejects.toThrow('refused');
  expect(roomState.asked).toEqual([]);
  expect(await jobs()).toEqual([]);
});
