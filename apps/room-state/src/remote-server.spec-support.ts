import { randomUUID } from 'node:crypto';
import { generateSigningKey } from '@atoll/event-crypto';
import type { SendResult } from '@atoll/federation-client';
import type { EventId, JsonObject, JsonValue, Pdu, RoomId, ServerName, UserId } from '@atoll/matrix';
import {
  contentHash,
  eventIdOf,
  newEventId,
  type RoomVersionRules,
  rulesOf,
  signEvent,
} from '@atoll/room-rules';
import { RoomModel } from './room-model.spec-support.js';
import type { TestRoomState } from './test-room-state.spec-support.js';

export const HS2 = 'hs2' as ServerName;
export const EVE = '@eve:hs2' as UserId;

/** What another server says in a room; `prev` names what it follows, by default the room's heads. */
export interface RemoteEvent {
  readonly type: string;
  readonly content: JsonObject;
  readonly state_key?: string;
  readonly sender?: UserId;
  readonly event_id?: EventId;
  readonly redacts?: EventId;
  readonly depth?: number;
  readonly origin_server_ts?: number;
  readonly prev?: readonly EventId[];
  /** The authority that it cites; what an honest server would cite when absent. */
  readonly auth?: readonly EventId[];
}

/** The server `hs2`, whose key the service knows. It makes events as its room version wants them, whatever is in them. */
export class RemoteServer {
  readonly key = generateSigningKey();

  constructor(private readonly service: TestRoomState) {}

  async publishKey(): Promise<void> {
    await this.service.database.db
      .insertInto('server_keys')
      .values({
        server_name: HS2,
        key_id: this.key.keyId,
        public_key: this.key.publicKey,
        valid_until_ts: Date.now() + 3_600_000,
        expired_ts: null,
        fetched_ts: Date.now(),
      })
      .execute();
  }

  /** The answer to `PUT /invite`: the event with the signature of this server. */
  async signInvite(content: JsonValue | undefined): Promise<SendResult> {
    const { event, room_version: version } = content as unknown as { event: Pdu; room_version: string };
    const signed = await signEvent(event, rulesOf(version) as RoomVersionRules, HS2, this.key);
    return { outcome: 'answered', status: 200, body: { event: signed as unknown as JsonObject } };
  }

  /** @param lenient hash and sign numbers that the room version forbids */
  async event(roomId: RoomId, version: string, event: RemoteEvent, lenient = false): Promise<Pdu> {
    const rules = rulesOf(version) as RoomVersionRules;
    const model = await RoomModel.read(this.service.database, roomId, rules);
    return this.eventOn(model, roomId, rules, event, lenient);
  }

  /** The same on top of events that the service need not have. */
  async eventOn(
    model: RoomModel,
    roomId: RoomId,
    rules: RoomVersionRules,
    event: RemoteEvent,
    lenient = false,
  ): Promise<Pdu> {
    const { prev: named, auth, ...said } = event;
    const prev = named ?? model.headsOf(model.timeline());
    const eventId = newEventId(randomUUID(), HS2, rules);
    const pdu = {
      room_id: roomId,
      sender: EVE,
      ...(eventId && { event_id: eventId }),
      origin_server_ts: Date.now(),
      depth: 20,
      prev_events: model.referencesTo(prev),
      auth_events: [],
      hashes: { sha256: '' },
      signatures: {},
      ...said,
    } satisfies Pdu;
    const auth_events = model.referencesTo(auth ?? model.authEventsFor(pdu, model.stateAfterAll(prev)));
    const signing = lenient ? { ...rules, strictCanonicalJson: false } : rules;
    const sha256 = contentHash({ ...pdu, auth_events }, signing);
    return signEvent({ ...pdu, auth_events, hashes: { sha256 } }, signing, HS2, this.key);
  }

  /** Sends events as JSON text. */
  async accept(roomId: RoomId, ...pdus: (Pdu | string)[]) {
    const texts = pdus.map((pdu) => (typeof pdu === 'string' ? pdu : JSON.stringify(pdu)));
    return (await this.service.accept({ roomId, pdus: texts })).results;
  }

  /** @returns the id and what became of it */
  async send(roomId: RoomId, version: string, event: RemoteEvent) {
    const pdu = await this.event(roomId, version, event);
    const [result] = await this.accept(roomId, pdu);
    return { pdu, eventId: eventIdOf(pdu, rulesOf(version) as RoomVersionRules), outcome: result?.outcome };
  }
}
