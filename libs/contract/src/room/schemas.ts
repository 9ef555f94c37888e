import { isEventId, isJsonObject, isRoomAlias, isRoomId, isServerName, isUserId } from '@atoll/matrix';
import type { EventId, JsonObject, RoomAlias, RoomId, ServerName, UserId } from '@atoll/matrix';
import { z } from 'zod';

export const roomIdSchema = z.custom<RoomId>(isRoomId, 'not a room id');
export const userIdSchema = z.custom<UserId>(isUserId, 'not a user id');
export const eventIdSchema = z.custom<EventId>(isEventId, 'not an event id');
export const roomAliasSchema = z.custom<RoomAlias>(isRoomAlias, 'not a room alias');
export const serverNameSchema = z.custom<ServerName>(isServerName, 'not a server name');
/** A client's transaction: the same device, scope (path without the transaction id) and id give the first answer again. */
export const transactionSchema = z.object({ deviceId: z.string(), scope: z.string(), id: z.string() });
export const jsonObjectSchema = z.custom<JsonObject>(isJsonObject, 'not a JSON object');
