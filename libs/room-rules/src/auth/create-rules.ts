import { isUserId, serverNameOf, type RoomEvent } from '@atoll/matrix';
import { rulesOf, type RoomVersionRules } from '../room-version-rules.js';
import type { Rejection } from './rejection.js';

/** Rule 1: an `m.room.create` event needs no state. */
export function checkCreate({ pdu }: RoomEvent, rules: RoomVersionRules): Rejection | undefined {
  const reject = rules.authRules;
  const { room_version: version, additional_creators: additional } = pdu.content;

  if (pdu.prev_events.length > 0) return reject.createHasPrevEvents;
  if (reject.createHasRoomId && pdu.room_id !== undefined) return reject.createHasRoomId;
  if (reject.createRoomIdForeign && domainOf(pdu.room_id) !== serverNameOf(pdu.sender))
    return reject.createRoomIdForeign;
  if (version !== undefined && !isRecognised(version)) return reject.createUnknownRoomVersion;
  if (reject.createWithoutCreator && pdu.content.creator === undefined) return reject.createWithoutCreator;
  if (reject.createBadAdditionalCreators && additional !== undefined && !isUserIdList(additional)) {
    return reject.createBadAdditionalCreators;
  }
  return undefined;
}

const isRecognised = (version: unknown) => typeof version === 'string' && rulesOf(version) !== undefined;

const isUserIdList = (value: unknown) => Array.isArray(value) && value.every(isUserId);

function domainOf(roomId: string | undefined): string | undefined {
  const colon = roomId?.indexOf(':') ?? -1;
  return colon < 0 ? undefined : roomId?.slice(colon + 1);
}
