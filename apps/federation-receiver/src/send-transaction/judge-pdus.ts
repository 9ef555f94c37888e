import type { InboundRoomReader, PduToStage } from '@atoll/database';
import { CanonicalJsonError } from '@atoll/event-crypto';
import {
  type EventId,
  isEventId,
  isJsonObject,
  isRoomId,
  isUserId,
  type JsonObject,
  type JsonValue,
  overloaded,
  type Pdu,
  type RoomId,
  type ServerName,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { eventIdOf, type RoomVersionRules } from '@atoll/room-rules';
import type { CheckedPdu, ReceivedPduCheck } from '@atoll/server-keys';
import type { RoomAdmission, RoomAdmissions } from './room-admissions.js';

export type PduOutcome = 'staged' | 'known' | 'unknown_room' | 'not_in_room' | 'acl_denied' | 'refused';

/** What becomes of a PDU. Without an id it cannot be named in the answer. */
export interface JudgedPdu {
  readonly outcome: PduOutcome;
  readonly eventId?: EventId | undefined;
  /** Fit for the server that sent it. */
  readonly error?: string;
  readonly staged?: PduToStage;
}

/** A PDU of a room that takes it. */
interface AdmittedPdu {
  readonly json: JsonObject;
  readonly room: RoomAdmission;
}

const MAX_ERROR = 200;
/** Events of one server that wait for the owner of one room; beyond it that server has to wait, and no other. */
const MAX_BACKLOG = 10_000;
const BACKLOG_RETRY_AFTER_MS = 10_000;

/** Decides which PDUs of a transaction go on to the owners of their rooms. */
export class PduJudge {
  constructor(
    private readonly serverName: ServerName,
    private readonly admissions: RoomAdmissions,
    private readonly reader: InboundRoomReader,
    private readonly checks: ReceivedPduCheck,
  ) {}

  /**
   * 1. The room: known, with a user of this server in it, or one invited whose membership the PDU changes; the server that
   *    sends it is allowed by the room's ACL.
   * 2. Format, signatures, content hash: `ReceivedPduCheck`.
   * 3. Known already: nothing to do.
   * @param pdus as `parseExactJson` has read them
   * @returns in their order
   * @throws MatrixError 503 when one of the rooms has not caught up with what the server sent before
   */
  async judge(origin: ServerName, pdus: readonly unknown[]): Promise<JudgedPdu[]> {
    const admitted = await this.admit(origin, pdus as readonly JsonValue[]);
    const checked = await this.check(
      origin,
      admitted.filter((pdu) => 'room' in pdu),
    );
    return admitted.map((pdu) => ('room' in pdu ? (checked.get(pdu) ?? refused(pdu, 'not checked')) : pdu));
  }

  private async admit(origin: ServerName, pdus: readonly JsonValue[]): Promise<(AdmittedPdu | JudgedPdu)[]> {
    const roomIds = [...new Set(pdus.map(roomIdIn))].filter((roomId) => roomId !== undefined);
    const [rooms, awaiting, isFull] = await Promise.all([
      this.admissions.of(roomIds, origin),
      this.awaiting(pdus, roomIds),
      this.reader.hasBacklog(origin, roomIds, MAX_BACKLOG),
    ]);
    if (isFull) throw overloaded(BACKLOG_RETRY_AFTER_MS);
    return pdus.map((json) => {
      const roomId = roomIdIn(json);
      const room = roomId && rooms.get(roomId);
      if (room === undefined || !isJsonObject(json))
        return notTaken('unknown_room', json, 'The room is not known');
      const { rules } = room;
      if (!room.isOriginAllowed)
        return notTaken('acl_denied', json, 'Your server is denied access to the room by its ACL', rules);
      if (!room.isResident && !awaiting.has(`${room.roomId} ${localMemberIn(json, this.serverName)}`))
        return notTaken('not_in_room', json, 'This server is not in the room', rules);
      return { json, room };
    });
  }

  /** Pairs of rooms and users of this server whose invite or knock there is open. */
  private async awaiting(pdus: readonly JsonValue[], roomIds: readonly RoomId[]): Promise<Set<string>> {
    const members = pdus.map((json) => localMemberIn(json, this.serverName));
    const users = [...new Set(members)].filter((user) => user !== undefined);
    if (users.length === 0) return new Set();
    const open = await this.reader.awaiting(roomIds, users);
    return new Set(open.map(({ roomId, userId }) => `${roomId} ${userId}`));
  }

  private async check(
    origin: ServerName,
    admitted: readonly AdmittedPdu[],
  ): Promise<Map<AdmittedPdu, JudgedPdu>> {
    const byRules = Map.groupBy(admitted, ({ room }) => room.rules);
    const checks = [...byRules].map(async ([rules, pdus]) => {
      // Numbers that kept their source are written as they came.
      const texts = pdus.map(({ json }) => JSON.stringify(json));
      const results = await this.checks.checkAll(texts, rules, origin);
      return pdus.map((pdu, index) => [pdu, results[index]] as const);
    });
    const checked = (await Promise.all(checks)).flat();
    const ids = checked.flatMap(([, result]) => (isReceived(result) ? [result.event.eventId] : []));
    const known = await this.reader.decided(ids);
    return new Map(
      checked.map(([pdu, result]) => [
        pdu,
        isReceived(result) ? taken(pdu, result, known) : refused(pdu, result?.refused ?? 'not checked'),
      ]),
    );
  }
}

type Received = Exclude<CheckedPdu, { refused: string }>;

const isReceived = (result: CheckedPdu | undefined): result is Received =>
  result !== undefined && !('refused' in result);

function taken({ room }: AdmittedPdu, { event, exact }: Received, known: ReadonlySet<EventId>): JudgedPdu {
  const { eventId } = event;
  if (known.has(eventId)) return { outcome: 'known', eventId };
  const { roomId, partition } = room;
  return { outcome: 'staged', eventId, staged: { roomId, partition, eventId, json: JSON.stringify(exact) } };
}

const refused = ({ json, room }: AdmittedPdu, reason: string): JudgedPdu =>
  notTaken('refused', json, reason.slice(0, MAX_ERROR).toWellFormed(), room.rules);

const notTaken = (
  outcome: PduOutcome,
  json: JsonValue,
  error: string,
  rules?: RoomVersionRules,
): JudgedPdu => ({ outcome, eventId: idIn(json, rules), error });

function roomIdIn(json: JsonValue): RoomId | undefined {
  const roomId = isJsonObject(json) ? json['room_id'] : undefined;
  return isRoomId(roomId) ? roomId : undefined;
}

/** The user of this server whose membership a PDU changes. */
function localMemberIn(json: JsonValue, serverName: ServerName): UserId | undefined {
  if (!isJsonObject(json) || json['type'] !== 'm.room.member') return undefined;
  const userId = json['state_key'];
  return isUserId(userId) && serverNameOf(userId) === serverName ? userId : undefined;
}

/** The id of a PDU that was not found to be an event; undefined where it has none that could be told. */
function idIn(json: JsonValue, rules: RoomVersionRules | undefined): EventId | undefined {
  if (!isJsonObject(json)) return undefined;
  const { event_id: chosen, type, content } = json;
  if (rules === undefined || rules.eventIds === 'chosen') return isEventId(chosen) ? chosen : undefined;
  if (typeof type !== 'string' || !isJsonObject(content)) return undefined;
  try {
    return eventIdOf(json as unknown as Pdu, rules);
  } catch (error) {
    if (error instanceof CanonicalJsonError) return undefined;
    throw error;
  }
}
