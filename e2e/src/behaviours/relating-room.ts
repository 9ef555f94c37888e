import { type AnswerBody, type ClientEvent, path, query, type TestUser } from '@atoll/testing';

export type Content = Record<string, unknown>;
export type Parameters = Record<string, string | number | boolean | undefined>;

/** What is bundled with an event. */
export interface Bundle {
  'm.replace'?: ClientEvent;
  'm.reference'?: { chunk: { event_id: string }[] };
  'm.thread'?: { latest_event: ClientEvent; count: number; current_user_participated: boolean };
}

export const bundleIn = (event: ClientEvent | undefined) =>
  event?.unsigned?.['m.relations'] as Bundle | undefined;

export const ignore = (who: TestUser, ...users: TestUser[]) =>
  who.expect('PUT', path`/v3/user/${who.userId}/account_data/m.ignored_user_list`, {
    ignored_users: Object.fromEntries(users.map(({ userId }) => [userId, {}])),
  });

/** A room in which events relate to each other. */
export class RelatingRoom {
  constructor(readonly id: string) {}

  relate(who: TestUser, parent: string, relType: string, content: Content = {}, type = 'm.room.message') {
    const { key, ...rest } = content;
    const relation = { rel_type: relType, event_id: parent, ...(key !== undefined && { key }) };
    const whole = { msgtype: 'm.text', body: 'child', ...rest, 'm.relates_to': relation };
    return who.sendEvent(this.id, type, whole);
  }

  reply(who: TestUser, root: string, body = 'reply') {
    return this.relate(who, root, 'm.thread', { body });
  }

  edit(who: TestUser, event: string, body: string) {
    const content = { body: `* ${body}`, 'm.new_content': { msgtype: 'm.text', body } };
    return this.relate(who, event, 'm.replace', content);
  }

  react(who: TestUser, event: string, key: string) {
    return this.relate(who, event, 'm.annotation', { key }, 'm.reaction');
  }

  relationsPath(parent: string, rest = '', parameters: Parameters = {}) {
    return path`/v1/rooms/${this.id}/relations/${parent}` + rest + query(parameters);
  }

  relations(who: TestUser, parent: string, rest = '', parameters: Parameters = {}): Promise<AnswerBody> {
    return who.expect('GET', this.relationsPath(parent, rest, parameters));
  }

  threads(who: TestUser, parameters: Parameters = {}): Promise<AnswerBody> {
    return who.expect('GET', path`/v1/rooms/${this.id}/threads` + query(parameters));
  }

  async bundleOf(who: TestUser, eventId: string): Promise<Bundle | undefined> {
    const event: unknown = await who.expect('GET', path`/v3/rooms/${this.id}/event/${eventId}`);
    return bundleIn(event as ClientEvent);
  }
}
