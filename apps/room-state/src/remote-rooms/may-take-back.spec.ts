import type { EventId, Pdu, RoomEvent, RoomId, UserId } from '@atoll/matrix';
import { expect, it } from '@jest/globals';
import { mayTakeBack } from './may-take-back.js';

const [BOB, ALICE, MALLORY] = ['@bob:hs1', '@alice:hs2', '@mallory:hs3'] as [UserId, UserId, UserId];
const HELD = '$held' as EventId;

const member = (sender: UserId, membership: string, auth: EventId[] = [], target = BOB): RoomEvent => ({
  ...{ eventId: HELD, roomId: '!room:hs2' as RoomId, rejected: false },
  pdu: {
    ...{ type: 'm.room.member', sender, state_key: target, content: { membership }, auth_events: auth },
    ...{ prev_events: [], depth: 1, origin_server_ts: 1, hashes: { sha256: '' }, signatures: {} },
  } satisfies Pdu,
});

it.each<[string, RoomEvent, RoomEvent, boolean]>([
  ['an invite by whoever invited', member(ALICE, 'invite'), member(ALICE, 'leave'), true],
  ['an invite by a ban of the inviter', member(ALICE, 'invite'), member(ALICE, 'ban'), true],
  ['an invite by somebody else', member(ALICE, 'invite'), member(MALLORY, 'leave', [HELD]), false],
  ['an invite by the user', member(ALICE, 'invite'), member(BOB, 'leave'), true],
  ['a knock by somebody who cites it', member(BOB, 'knock'), member(ALICE, 'leave', [HELD]), true],
  ['a knock by somebody who has not seen it', member(BOB, 'knock'), member(MALLORY, 'leave'), false],
  ['a membership of somebody else', member(ALICE, 'invite'), member(ALICE, 'leave', [], ALICE), false],
  ['an invite by another invite', member(ALICE, 'invite'), member(ALICE, 'invite'), false],
])('%s', (_, held, received, may) => {
  expect(mayTakeBack(held, received)).toBe(may);
});
