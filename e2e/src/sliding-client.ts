import { RequestFailed, type Answer, type ClientEvent, type TestUser } from '@atoll/testing';

export interface SlidingRoom {
  readonly initial?: boolean;
  readonly membership?: string;
  readonly name?: string | null;
  readonly heroes?: Record<string, unknown>[];
  readonly required_state?: ClientEvent[];
  readonly stripped_state?: ClientEvent[];
  readonly invite_state?: ClientEvent[];
  readonly timeline?: ClientEvent[];
  readonly limited?: boolean;
  readonly expanded_timeline?: boolean;
  readonly prev_batch?: string;
  readonly num_live?: number;
  readonly joined_count?: number;
  readonly [key: string]: unknown;
}

export interface SlidingAnswer {
  readonly pos: string;
  readonly lists: Record<string, { readonly count: number }>;
  readonly rooms: Record<string, SlidingRoom>;
  readonly extensions: Record<
    string,
    { rooms?: Record<string, unknown>; global?: ClientEvent[] } | undefined
  >;
}

/** A list of all rooms, or of those in a window. */
export const listOf = (list: object = {}) => ({
  all: { timeline_limit: 10, required_state: {}, ...list },
});

/** One connection of sliding sync, which goes on from answer to answer. */
export class SlidingClient {
  pos: string | undefined;

  constructor(
    readonly user: TestUser,
    private readonly connId = 'main',
  ) {}

  ask(body: object, pos = this.pos): Promise<Answer> {
    return this.user.request('POST', '/v4/sync', { conn_id: this.connId, pos, ...body });
  }

  /** The next answer. `through`: another way to the server. */
  async next(body: object, through: TestUser = this.user): Promise<SlidingAnswer> {
    const answer = await through.request('POST', '/v4/sync', {
      conn_id: this.connId,
      pos: this.pos,
      ...body,
    });
    if (answer.status !== 200) throw new RequestFailed('POST /v4/sync', answer);
    const told = answer.body as unknown as SlidingAnswer;
    this.pos = told.pos;
    return told;
  }

  /** Goes on until a room tells something that fulfils `predicate`, and answers with what it tells. */
  async until(
    body: object,
    roomId: string,
    predicate: (room: SlidingRoom) => boolean,
    withinMs = 10_000,
  ): Promise<SlidingRoom> {
    const deadline = Date.now() + withinMs;
    const seen: SlidingAnswer[] = [];
    while (Date.now() < deadline) {
      const answer = await this.next({ ...body, timeout: Math.max(1, deadline - Date.now()) });
      const room = answer.rooms[roomId];
      if (room && predicate(room)) return room;
      seen.push(answer);
    }
    throw new Error(`${roomId} did not tell it: ${JSON.stringify(seen).slice(0, 3000)}`);
  }
}

/** Whether a room tells the event. */
export const tells =
  (eventId: string) =>
  ({ timeline = [] }: SlidingRoom): boolean =>
    timeline.some(({ event_id }) => event_id === eventId);
