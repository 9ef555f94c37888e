import { describe, expect, it } from '@jest/globals';
import type { StoredEvent } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { isValidEdit } from './valid-edit.js';

function event(eventId: string, pdu: JsonObject = {}, more: Partial<StoredEvent> = {}): StoredEvent {
  return {
    eventId,
    roomNid: 1,
    roomVersion: '12',
    pdu: { type: 'm.room.message', sender: '@alice:x', content: {}, ...pdu },
    ...more,
  } as unknown as StoredEvent;
}

const replaces = (event_id: string): JsonObject => ({ 'm.relates_to': { rel_type: 'm.replace', event_id } });
const newContent: JsonObject = { 'm.new_content': { body: 'new' } };
const original = event('$original');
const edit = (pdu: JsonObject = {}, more: Partial<StoredEvent> = {}) =>
  event('$edit', { content: { ...newContent, ...replaces('$original') }, ...pdu }, more);
const redactedBecause = { eventId: '$redaction', pdu: {} } as StoredEvent['redactedBecause'];

describe('isValidEdit', () => {
  it('is true for a new content by the same sender', () => {
    expect(isValidEdit(original, edit())).toBe(true);
    const reply = event('$original', {
      content: { 'm.relates_to': { rel_type: 'm.thread', event_id: '$root' } },
    });
    expect(isValidEdit(reply, edit())).toBe(true);
  });

  it.each<[string, StoredEvent, StoredEvent]>([
    ['of another room', original, edit({}, { roomNid: 2 })],
    ['by another sender', original, edit({ sender: '@mallory:x' })],
    ['of another type', original, edit({ type: 'm.sticker' })],
    ['that is a state event', original, edit({ state_key: '' })],
    ['of a state event', event('$original', { state_key: '' }), edit()],
    ['of an edit', event('$original', { content: replaces('$first') }), edit()],
    ['without a new content', original, edit({ content: replaces('$original') })],
    [
      'whose new content is no object',
      original,
      edit({ content: { 'm.new_content': 'x', ...replaces('$original') } }),
    ],
    ['of another event', original, edit({ content: { ...newContent, ...replaces('$other') } })],
    ['that relates otherwise', original, edit({ content: newContent })],
    ['that is redacted', original, edit({}, { redactedBecause } as Partial<StoredEvent>)],
    ['of what is redacted', event('$original', {}, { redactedBecause } as Partial<StoredEvent>), edit()],
  ])('is false for one %s', (_case, parent, child) => {
    expect(isValidEdit(parent, child)).toBe(false);
  });

  it('leaves the new content of encrypted events to those who can read it', () => {
    const encrypted = { type: 'm.room.encrypted' };
    const child = edit({ ...encrypted, content: { ciphertext: '…', ...replaces('$original') } });
    expect(isValidEdit(event('$original', encrypted), child)).toBe(true);
    expect(isValidEdit(original, child)).toBe(false);
  });
});
