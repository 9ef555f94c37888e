import { jsonObjectSchema, roomIdSchema } from '@atoll/contract';
import type { JsonObject } from '@atoll/matrix';
import { z } from 'zod';
import { textSchema } from '../auth/text.schema.js';

const MAX_AUTH_DATA_BYTES = 65_536;
/** Clients need less than 1,000: a session and whom it came from, encrypted. */
const MAX_SESSION_DATA_BYTES = 16_384;
const MAX_NAME = 255;

const boundedObject = (maxBytes: number) =>
  jsonObjectSchema.refine(
    (value: JsonObject) => Buffer.byteLength(JSON.stringify(value)) <= maxBytes,
    `longer than ${maxBytes} bytes`,
  );

/** Versions are numbers to this server and text to clients; text that is no version is one that does not exist. */
export const versionSchema = z
  .string()
  .transform((text) => (/^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0));

export const versionParams = z.object({ version: versionSchema });

/** The algorithm is the clients' affair. */
export const newBackupSchema = z.object({
  algorithm: textSchema(MAX_NAME),
  auth_data: boundedObject(MAX_AUTH_DATA_BYTES),
});

export const changedBackupSchema = newBackupSchema.extend({ version: z.string().optional() });

const sessionIdSchema = textSchema(MAX_NAME);
const numberSchema = z.int().min(0);

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid */
export const sessionSchema = z.object({
  first_message_index: numberSchema,
  forwarded_count: numberSchema,
  is_verified: z.boolean(),
  session_data: boundedObject(MAX_SESSION_DATA_BYTES),
});
export type SessionBody = z.output<typeof sessionSchema>;

export const roomSchema = z.object({ sessions: z.record(sessionIdSchema, sessionSchema) });
export type RoomBody = z.output<typeof roomSchema>;

export const roomsSchema = z.object({ rooms: z.record(roomIdSchema, roomSchema) });

export const roomParams = z.object({ roomId: roomIdSchema });
export const sessionParams = roomParams.extend({ sessionId: sessionIdSchema });
export const versionQuery = z.object({ version: versionSchema });
