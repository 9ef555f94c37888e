import type { CommandInput, CreateRoom } from '@atoll/contract';
import { type JsonObject, serverNameOf, type UserId } from '@atoll/matrix';
import type { RoomVersionRules } from '@atoll/room-rules';
import type { LocalEvent } from '../append-event/local-event-builder.js';
import { defaultPowerLevels } from './default-power-levels.js';

type Input = CommandInput<typeof CreateRoom>;

const JOIN_RULE = { private_chat: 'invite', trusted_private_chat: 'invite', public_chat: 'public' } as const;

/**
 * The events that follow the create event, in the specification's order; those of a preset give way to `initialState`,
 * which gives way to name and topic by coming before them.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export function initialEvents(input: Input, rules: RoomVersionRules): LocalEvent[] {
  const { creator: sender } = input;
  const state = (type: string, content: JsonObject, stateKey = ''): LocalEvent => ({
    type,
    sender,
    stateKey,
    content,
  });
  const events = [
    state('m.room.member', { ...input.creatorProfile, membership: 'join' }, sender),
    state('m.room.power_levels', { ...defaultPowerLevels(input, rules), ...input.powerLevelContentOverride }),
  ];
  if (input.alias) events.push(state('m.room.canonical_alias', { alias: input.alias }));
  events.push(...presetEvents(input).map(([type, content]) => state(type, content)));
  events.push(...input.initialState.map(({ type, content, stateKey }) => state(type, content, stateKey)));
  if (input.name !== undefined) events.push(state('m.room.name', { name: input.name }));
  if (input.topic !== undefined) events.push(state('m.room.topic', topicContent(input.topic)));
  for (const { userId, profile } of invitees(input)) {
    const content = { ...profile, membership: 'invite', ...(input.isDirect && { is_direct: true }) };
    events.push(state('m.room.member', content, userId));
  }
  return events;
}

function presetEvents(input: Input): [string, JsonObject][] {
  const events: [string, JsonObject][] = [
    ['m.room.join_rules', { join_rule: JOIN_RULE[input.preset] }],
    ['m.room.history_visibility', { history_visibility: 'shared' }],
  ];
  // Without the event guests may not join, which is what a public chat wants.
  if (input.preset !== 'public_chat') events.push(['m.room.guest_access', { guest_access: 'can_join' }]);
  const replaced = new Set(
    input.initialState.filter(({ stateKey }) => stateKey === '').map(({ type }) => type),
  );
  return events.filter(([type]) => !replaced.has(type));
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#mroomtopic */
function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ body: topic, mimetype: 'text/plain' }] } };
}

/**
 * Each once, and never the creator, who is in the room already. Users of other servers are invited once the room is there: their servers
 * must sign, and may ask for it.
 */
function invitees(input: Input): Input['invite'] {
  const seen = new Set<UserId>([input.creator]);
  const ownName = serverNameOf(input.creator);
  return input.invite.filter(
    ({ userId }) => serverNameOf(userId) === ownName && !seen.has(userId) && seen.add(userId),
  );
}
