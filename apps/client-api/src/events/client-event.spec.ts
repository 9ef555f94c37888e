import { describe, expect, it } from '@jest/globals';
import type { StoredEvent } from '@atoll/database';
import type { EventId, JsonObject } from '@atoll/matrix';
import { type ClientEventContext, toClientEvent, toStrippedState } from './client-event.js';
import { delayedTransaction } from './delayed-transaction.js';

const alice = '@alice:a.example';
const context: ClientEventContext = { userId: alice, deviceId: 'PHONE', now: 5_000 };

function stored(pdu: JsonObject, more: Partial<StoredEvent> = {}): StoredEvent {
  return {
    eventNid: 1,
    eventId: '$one',
    roomNid: 1,
    roomId: '!room',
    roomVersion: '12',
    position: 1,
    status: 0,
    pdu: {
      type: 'm.room.message',
      sender: alice,
      content: { body: 'hello', msgtype: 'm.text' },
      origin_server_ts: 1_000,
      depth: 3,
      prev_events: [],
      auth_events: [],
      hashes: { sha256: '' },
      signatures: {},
      ...pdu,
    },
    ...more,
  } as StoredEvent;
}

const redaction = (pdu: JsonObject) => ({
  eventId: '$redaction' as EventId,
  pdu: stored({ type: 'm.room.redaction', origin_server_ts: 2_000, content: { reason: 'spam' }, ...pdu }).pdu,
});

describe('toClientEvent', () => {
  it('gives the client what the room event format has, and nothing of the federation', () => {
    expect(toClientEvent(stored({ room_id: '!room' }), { ...context, membership: 'join' })).toEqual({
      type: 'm.room.message',
      room_id: '!room',
      event_id: '$one',
      sender: alice,
      origin_server_ts: 1_000,
      content: { body: 'hello', msgtype: 'm.text' },
      unsigned: { age: 4_000, membership: 'join' },
    });
  });

  it('leaves room_id out where the answer implies it', () => {
    expect(toClientEvent(stored({}), context, 'client-without-room-id')).not.toHaveProperty('room_id');
  });

  it('gives the create event of version 12, which has none itself, its room id', () => {
    expect(toClientEvent(stored({ type: 'm.room.create', state_key: '' }), context)).toMatchObject({
      room_id: '!room',
      state_key: '',
    });
  });

  it('tells the delay id to every device of the sender, and to nobody else', () => {
    const { deviceId, id } = delayedTransaction('delay');
    const sent = stored({}, { transaction: { deviceId, id } });
    const told = (who: object) => toClientEvent(sent, { ...context, ...who })['unsigned'];
    for (const asking of [{}, { deviceId: 'LAPTOP' }, { deviceId: undefined }]) {
      expect(told(asking)).toMatchObject({ delay_id: 'delay', 'org.matrix.msc4140.delay_id': 'delay' });
      expect(told(asking)).not.toHaveProperty('transaction_id');
    }
    expect(told({ userId: '@bob:a.example' })).not.toHaveProperty('delay_id');
    expect(told({ userId: '@bob:a.example' })).not.toHaveProperty(['org.matrix.msc4140.delay_id']);
  });

  it('tells the transaction id to the sending device only', () => {
    const sent = stored({}, { transaction: { deviceId: 'PHONE', id: 'txn' } });
    const told = (who: Partial<ClientEventContext>) =>
      toClientEvent(sent, { ...context, ...who })['unsigned'];
    expect(told({})).toHaveProperty('transaction_id', 'txn');
    expect(told({ deviceId: 'LAPTOP' })).not.toHaveProperty('transaction_id');
    expect(told({ deviceId: undefined })).not.toHaveProperty('transaction_id');
    expect(told({ userId: '@bob:a.example' })).not.toHaveProperty('transaction_id');
  });

  it('serves the redacted copy with the redaction', () => {
    const event = stored(
      {},
      { redactedBecause: redaction({ content: { redacts: '$one', reason: 'spam' } }) },
    );
    expect(toClientEvent(event, context)).toMatchObject({
      content: {},
      unsigned: {
        redacted_because: {
          type: 'm.room.redaction',
          event_id: '$redaction',
          room_id: '!room',
          redacts: '$one',
          content: { redacts: '$one', reason: 'spam' },
          unsigned: { age: 3_000 },
        },
      },
    });
  });

  it.each(['10', '12'])('has `redacts` in both places in version %s', (roomVersion) => {
    const pdu = roomVersion === '10' ? { redacts: '$x', content: {} } : { content: { redacts: '$x' } };
    const event = toClientEvent(stored({ type: 'm.room.redaction', ...pdu }, { roomVersion }), context);
    expect(event).toMatchObject({ redacts: '$x', content: { redacts: '$x' } });
  });

  it('tells what a state event replaced, the content only where it may be seen', () => {
    const event = stored({ type: 'm.room.name', state_key: '', content: { name: 'new' } });
    const visible = stored({ type: 'm.room.name', content: { name: 'old' }, sender: '@bob:a.example' });
    const eventId = '$old' as EventId;
    expect(toClientEvent(event, { ...context, replaced: { eventId, visible } })['unsigned']).toEqual({
      age: 4_000,
      replaces_state: '$old',
      prev_content: { name: 'old' },
      prev_sender: '@bob:a.example',
    });
    expect(toClientEvent(event, { ...context, replaced: { eventId } })['unsigned']).toEqual({
      age: 4_000,
      replaces_state: '$old',
    });
  });

  it('does not reveal a redacted previous content', () => {
    const visible = stored(
      { type: 'm.room.topic', state_key: '', content: { topic: 'secret' } },
      { redactedBecause: redaction({}) },
    );
    const event = stored({ type: 'm.room.topic', state_key: '' });
    const replaced = { eventId: '$old' as EventId, visible };
    expect(toClientEvent(event, { ...context, replaced })['unsigned']).toMatchObject({ prev_content: {} });
  });

  it('gives the event as servers exchange it in the federation format', () => {
    const event = toClientEvent(stored({ room_id: '!room', unsigned: { age: 1 } }), context, 'federation');
    expect(event).toMatchObject({
      depth: 3,
      hashes: { sha256: '' },
      event_id: '$one',
      unsigned: { age: 4_000 },
    });
  });
});

describe('toStrippedState', () => {
  it('keeps type, state key, sender and content', () => {
    expect(toStrippedState(stored({ type: 'm.room.name', state_key: '', content: { name: 'n' } }))).toEqual({
      type: 'm.room.name',
      state_key: '',
      sender: alice,
      content: { name: 'n' },
    });
  });
});
