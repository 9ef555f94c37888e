import { isRoomAlias, isRoomId, type RoomAlias, type RoomId } from '@atoll/matrix';
import { z } from 'zod';

/** The parameter of endpoints that take either. */
export const roomIdOrAliasSchema = z.custom<RoomId | RoomAlias>(
  (value) => isRoomId(value) || isRoomAlias(value),
  'neither a room id nor a room alias',
);
