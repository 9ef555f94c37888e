import { type PlacedRow, RoomRows } from '@atoll/database/testing';
import { parseExactJson } from '@atoll/event-crypto';
import { isJsonObject, type Pdu, type RoomId } from '@atoll/matrix';
import { contentHash, hasValidContentHash, rulesOf } from '@atoll/room-rules';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { alice, type Asked, bob, federationPath, startAsked } from '../room-reads.spec-support.js';

/** Room versions up to 5 allow any number, and hashes cover how it was written. */
describe('numbers in events of room version 5', () => {
  const roomId = '!five:hs1' as RoomId;
  const numbers = '{"float":1.0,"exponent":1e2,"large":123456789012345678901,"negative":-0,"plain":7}';
  let asked: Asked;
  let event: PlacedRow;
  let levels: PlacedRow;

  const rules = rulesOf('5');
  if (rules === undefined) throw new Error('room version 5 is needed');

  /** The text of an event whose content is the given text, with the right hash. */
  function hashed(fields: object, content: string): string {
    const text = JSON.stringify({ ...fields, content: 'CONTENT' }).replace('"CONTENT"', content);
    return text.replace(/"sha256":""/, `"sha256":"${contentHash(exact(text), rules as never)}"`);
  }

  const exact = (text: string) => parseExactJson(text) as unknown as Pdu;

  beforeAll(async () => {
    asked = await startAsked();
    const room = await RoomRows.create(asked.database, { roomId, version: '5' });
    await room.member(alice, 'join');
    await room.member(bob, 'join');
    const fields = {
      ...{ room_id: roomId, sender: alice, depth: 5, origin_server_ts: 1, signatures: {}, unsigned: {} },
      ...{ prev_events: [], auth_events: [], hashes: { sha256: '' } },
    };
    const power = { ...fields, type: 'm.room.power_levels', state_key: '' };
    levels = await room.event({
      ...{ type: 'm.room.power_levels', sender: alice, stateKey: '' },
      text: hashed(power, '{"users_default":1.0,"notifications":{"room":50}}'),
    });
    const message = { ...fields, prev_events: [levels.eventId], type: 'm.room.message' };
    event = await room.event({
      ...{ type: 'm.room.message', sender: alice, pdu: { prev_events: [levels.eventId] } },
      text: hashed(message, numbers),
    });
  });
  afterAll(() => asked.close());

  it.each([
    ['event', (id: string) => federationPath(['event', id])],
    ['backfill', (id: string) => federationPath(['backfill', roomId], { v: id, limit: 1 })],
  ])('come out of %s as they went in', async (_, path) => {
    const { text, body } = await asked.ask('hs2', 'GET', path(event.eventId));
    expect(isJsonObject(body)).toBe(true);
    expect(text).toContain(`"content":${numbers}`);
    const [pdu] = (parseExactJson(text) as unknown as { pdus: [Pdu] }).pdus;
    expect(hasValidContentHash(pdu, rules)).toBe(true);
  });

  it('come out of state as they went in, and are kept by redaction', async () => {
    const state = await asked.ask(
      'hs2',
      'GET',
      federationPath(['state', roomId], { event_id: event.eventId }),
    );
    expect(state.text).toContain('"users_default":1.0');
    await asked.database.db
      .insertInto('redactions')
      .values({ redacted_event_nid: levels.eventNid, redaction_event_nid: event.eventNid })
      .execute();
    const redacted = await asked.ask('hs2', 'GET', federationPath(['event', levels.eventId]));
    expect(redacted.text).toContain('"content":{"users_default":1.0}');
  });
});
