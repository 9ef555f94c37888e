import {
  isJsonObject,
  isUserId,
  type JsonObject,
  type JsonValue,
  type ServerName,
  serverNameOf,
} from '@atoll/matrix';
import { readDeviceListUpdate, readSigningKeyUpdate } from '../device-lists/read-updates.js';

/** Types that this server reads; the rest are dropped. Also the labels of metrics, which must stay few. */
const READ_TYPES = [
  'm.typing',
  'm.receipt',
  'm.presence',
  'm.direct_to_device',
  'm.device_list_update',
  'm.signing_key_update',
] as const;
type ReadType = (typeof READ_TYPES)[number];

const MAX_TEXT = 255;

export type EduOutcome = 'admitted' | 'unsupported' | 'malformed' | 'not_of_origin' | 'room_denied';

/** What becomes of an EDU. */
export interface GatedEdu {
  readonly type: ReadType | 'other';
  readonly outcome: EduOutcome;
  /** Of an admitted one: what of it may be used. */
  readonly content?: JsonObject;
}

/** Whether a room takes EDUs from the server: this server is in it, and the ACL allows it. */
export type RoomGate = (roomId: string) => boolean;

/**
 * Lets an EDU in if it has its form, speaks for users of the server that sent it only, and is about rooms that take it. Of
 * receipts and presence, which speak for many, what does not fit is left out.
 * @see https://spec.matrix.org/v1.19/server-server-api/#edus
 * @see https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls
 */
export function gateEdu(edu: unknown, origin: ServerName, mayUse: RoomGate): GatedEdu {
  const type = typeOf(edu);
  if (type === undefined || !isJsonObject(edu)) return { type: 'other', outcome: 'unsupported' };
  const { content } = edu;
  if (!isJsonObject(content)) return { type, outcome: 'malformed' };
  const verdict = GATES[type](content, origin, mayUse);
  return typeof verdict === 'string'
    ? { type, outcome: verdict }
    : { type, outcome: 'admitted', content: verdict };
}

/** The rooms that an EDU is about, as far as they can be told. */
export function roomsOfEdu(edu: unknown): string[] {
  const content = isJsonObject(edu) ? edu['content'] : undefined;
  if (!isJsonObject(content)) return [];
  switch (typeOf(edu)) {
    case 'm.typing':
      return typeof content['room_id'] === 'string' ? [content['room_id']] : [];
    case 'm.receipt':
      return Object.keys(content);
    default:
      return [];
  }
}

type Verdict = JsonObject | Exclude<EduOutcome, 'admitted' | 'unsupported'>;
type Gate = (content: JsonObject, origin: ServerName, mayUse: RoomGate) => Verdict;

const GATES: Readonly<Record<ReadType, Gate>> = {
  /** @see https://spec.matrix.org/v1.19/server-server-api/#typing-notifications */
  'm.typing': ({ room_id, user_id, typing }, origin, mayUse) => {
    if (typeof room_id !== 'string' || !isUserId(user_id) || typeof typing !== 'boolean') return 'malformed';
    if (!isOf(user_id, origin)) return 'not_of_origin';
    return mayUse(room_id) ? { room_id, user_id, typing } : 'room_denied';
  },

  /** @see https://spec.matrix.org/v1.19/server-server-api/#receipts */
  'm.receipt': (content, origin, mayUse) => {
    const rooms = Object.entries(content).filter(([roomId]) => mayUse(roomId));
    if (rooms.length === 0) return 'room_denied';
    const kept = rooms.flatMap(([roomId, receipts]): [string, JsonObject][] => {
      const read = isJsonObject(receipts) ? receipts['m.read'] : undefined;
      const ofOrigin = isJsonObject(read) ? ownEntries(read, origin) : [];
      return ofOrigin.length > 0 ? [[roomId, { 'm.read': Object.fromEntries(ofOrigin) }]] : [];
    });
    return kept.length > 0 ? Object.fromEntries(kept) : 'not_of_origin';
  },

  /** @see https://spec.matrix.org/v1.19/server-server-api/#presence */
  'm.presence': ({ push }, origin) => {
    if (!Array.isArray(push)) return 'malformed';
    const ofOrigin = push.filter(
      (update) =>
        isJsonObject(update) && isOf(update['user_id'], origin) && typeof update['presence'] === 'string',
    );
    return ofOrigin.length > 0 ? { push: ofOrigin } : 'not_of_origin';
  },

  /** @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging */
  'm.direct_to_device': ({ sender, type, message_id, messages }, origin) => {
    if (!isUserId(sender) || !isText(type) || !isText(message_id) || !isJsonObject(messages))
      return 'malformed';
    return isOf(sender, origin) ? { sender, type, message_id, messages } : 'not_of_origin';
  },

  'm.device_list_update': (content, origin) => gateUser(content, origin, readDeviceListUpdate),
  'm.signing_key_update': (content, origin) => gateUser(content, origin, readSigningKeyUpdate),
};

/** Of updates that are about one user. */
function gateUser(content: JsonObject, origin: ServerName, read: (content: JsonObject) => unknown): Verdict {
  if (!isUserId(content['user_id'])) return 'malformed';
  if (!isOf(content['user_id'], origin)) return 'not_of_origin';
  return read(content) === undefined ? 'malformed' : content;
}

function typeOf(edu: unknown): ReadType | undefined {
  const type = isJsonObject(edu) ? edu['edu_type'] : undefined;
  return READ_TYPES.find((known) => known === type);
}

const ownEntries = (byUser: JsonObject, origin: ServerName) =>
  Object.entries(byUser).filter(([userId, receipt]) => isOf(userId, origin) && isJsonObject(receipt));

/** Longer than any type or id that is in use, and storable. */
const isText = (value: JsonValue | undefined): value is string =>
  typeof value === 'string' && value.length <= MAX_TEXT && value.isWellFormed() && !value.includes('\0');

const isOf = (userId: JsonValue | undefined, origin: ServerName) =>
  isUserId(userId) && serverNameOf(userId) === origin;
