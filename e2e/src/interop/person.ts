import type { ClientEvent, SyncAnswer, SyncRoom, TestUser } from '@atoll/testing';

/** A room as one user's sync shows it. */
export interface SeenRoom {
  /** The section of sync that had the room last. */
  readonly membership: Section | undefined;
  /** Everything that came in timelines, in that order. */
  readonly timeline: readonly ClientEvent[];
  /** Current state: state and timeline laid over each other, keyed by type and state key. */
  readonly state: ReadonlyMap<string, ClientEvent>;
  /** What the member events of the current state say, by user id. */
  readonly memberships: ReadonlyMap<string, unknown>;
  /** The stripped state of an invite or a knock. */
  readonly stripped: readonly ClientEvent[];
  /** Who types. */
  readonly typing: readonly string[];
  /** The event that each user has read up to last; private receipts are not among them. */
  readonly read: ReadonlyMap<string, string>;
}

const sections = ['join', 'invite', 'leave', 'knock'] as const;
type Section = (typeof sections)[number];

const filter = JSON.stringify({ room: { timeline: { limit: 200 } } });

/** How long anything may take to come over federation. */
const patience = 15_000;

/** A user together with what its sync has brought so far. */
export class Person {
  private readonly rooms = new Map<string, SeenRoom>();
  private readonly presence = new Map<string, ClientEvent['content']>();
  private since: string | undefined;

  constructor(readonly user: TestUser) {}

  get userId(): string {
    return this.user.userId;
  }

  /**
   * Follows sync until the room fulfils `predicate`.
   * @throws Error that describes the room as it was in the end
   */
  async sees(
    roomId: string,
    what: string,
    predicate: (room: SeenRoom) => boolean,
    withinMs = patience,
  ): Promise<SeenRoom> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const room = this.rooms.get(roomId) ?? unknownRoom;
      if (predicate(room)) return room;
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(`${this.userId} does not see ${what} in ${withinMs} ms; it sees ${describe(room)}`);
      }
      await this.syncOnce(Math.min(left, 5000));
    }
  }

  /** Follows sync until the presence of somebody is this. @throws Error with what it is instead */
  async seesPresence(userId: string, presence: string): Promise<void> {
    const deadline = Date.now() + patience;
    while (this.presence.get(userId)?.['presence'] !== presence) {
      const left = deadline - Date.now();
      if (left <= 0) {
        const seen = JSON.stringify(this.presence.get(userId) ?? null);
        throw new Error(`${this.userId} does not see ${userId} ${presence} in ${patience} ms, but ${seen}`);
      }
      await this.syncOnce(Math.min(left, 5000));
    }
  }

  /** One sync. */
  async syncOnce(timeout: number): Promise<void> {
    const answer = await this.user.sync({ filter, since: this.since, timeout });
    this.since = answer.next_batch;
    for (const { sender, content } of answer.presence?.events ?? []) this.presence.set(sender, content);
    for (const section of sections) {
      const rooms: Record<string, RoomNews> = answer.rooms?.[section] ?? {};
      for (const [roomId, news] of Object.entries(rooms)) {
        this.rooms.set(roomId, addNews(this.rooms.get(roomId) ?? unknownRoom, section, news));
      }
    }
  }
}

const unknownRoom: SeenRoom = {
  membership: undefined,
  timeline: [],
  state: new Map(),
  memberships: new Map(),
  stripped: [],
  typing: [],
  read: new Map(),
};

type RoomNews = SyncRoom | NonNullable<NonNullable<SyncAnswer['rooms']>['invite' | 'knock']>[string];

function addNews(room: SeenRoom, membership: Section, news: RoomNews): SeenRoom {
  if ('invite_state' in news) return { ...room, membership, stripped: news.invite_state.events };
  if ('knock_state' in news) return { ...room, membership, stripped: news.knock_state.events };
  const { timeline, state, ephemeral } = news as Partial<SyncRoom>;
  const came = [...(state?.events ?? []), ...(timeline?.events ?? [])];
  const current = new Map(room.state);
  for (const event of came.filter(({ state_key }) => state_key !== undefined)) {
    current.set(stateName(event.type, event.state_key), event);
  }
  return {
    ...room,
    membership,
    timeline: [...room.timeline, ...(timeline?.events ?? [])],
    state: current,
    memberships: membershipsOf(current),
    typing: typingIn(ephemeral?.events) ?? room.typing,
    read: new Map([...room.read, ...receiptsIn(ephemeral?.events)]),
  };
}

function typingIn(events: readonly ClientEvent[] = []): string[] | undefined {
  return events.findLast(({ type }) => type === 'm.typing')?.content['user_ids'] as string[] | undefined;
}

function receiptsIn(events: readonly ClientEvent[] = []): [string, string][] {
  return events
    .filter(({ type }) => type === 'm.receipt')
    .flatMap(({ content }) => Object.entries(content as Record<string, { 'm.read'?: object }>))
    .flatMap(([eventId, { 'm.read': users = {} }]) =>
      Object.keys(users).map((userId): [string, string] => [userId, eventId]),
    );
}

function membershipsOf(state: ReadonlyMap<string, ClientEvent>): Map<string, unknown> {
  const members = [...state.values()].filter(({ type }) => type === 'm.room.member');
  return new Map(members.map(({ state_key = '', content }) => [state_key, content['membership']]));
}

/** How `SeenRoom.state` names a piece of state. */
export function stateName(type: string, stateKey = ''): string {
  return `${type} ${stateKey}`;
}

function describe({ membership, timeline, memberships, stripped }: SeenRoom): string {
  const events = timeline.slice(-12).map(({ type, sender, content }) => {
    const said = content['body'] ?? content['membership'] ?? content['topic'] ?? '';
    return `${type} of ${sender} ${JSON.stringify(said)}`;
  });
  return [
    `section ${membership ?? 'none'}`,
    `members ${JSON.stringify(Object.fromEntries(memberships))}`,
    `${stripped.length} stripped events`,
    `${timeline.length} timeline events, the last: ${events.join('; ')}`,
  ].join(', ');
}
