import type { JsonObject, JsonValue } from '@atoll/matrix';
import { startSyncApp } from '../sync/sync-app.spec-support.js';
import type { Answer, TestUser } from '../test-client-api.spec-support.js';

/** A room's result as a client reads it. */
export interface SlidingRoomAnswer {
  readonly initial?: boolean;
  readonly membership?: string;
  readonly lists?: string[];
  readonly name?: string | null;
  readonly heroes?: JsonObject[];
  readonly is_dm?: boolean;
  readonly required_state?: JsonObject[];
  readonly stripped_state?: JsonObject[];
  readonly timeline?: JsonObject[];
  readonly limited?: boolean;
  readonly expanded_timeline?: boolean;
  readonly prev_batch?: string;
  readonly num_live?: number;
  readonly joined_count?: number;
  readonly invited_count?: number;
  readonly bump_stamp?: number;
}

export interface SlidingAnswer {
  readonly pos: string;
  readonly lists: Record<string, { readonly count: number }>;
  readonly rooms: Record<string, SlidingRoomAnswer>;
  readonly extensions: {
    readonly account_data?: { readonly global?: JsonObject[]; readonly rooms?: Record<string, JsonObject[]> };
    readonly receipts?: { readonly rooms?: Record<string, JsonObject> };
    readonly typing?: { readonly rooms?: Record<string, JsonObject> };
    readonly to_device?: JsonObject;
    readonly e2ee?: JsonObject;
  };
}

const STABLE = '/_matrix/client/v4/sync';
export const UNSTABLE = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';

/** One list of all rooms. */
export function oneList(list: JsonObject = {}): JsonObject {
  return { all: { timeline_limit: 10, required_state: {}, ...list } };
}

/** {@link startSyncApp} for clients of sliding sync. */
export async function startSlidingApp() {
  const app = await startSyncApp();
  const ask = (user: TestUser, body: JsonObject, path = STABLE): Promise<Answer> =>
    app.request('POST', path, { token: user.token, body });
  return {
    ...app,
    ask,
    /** `pos` may be undefined, for a first request. */
    async slide(
      user: TestUser,
      { pos, ...body }: Record<string, JsonValue | undefined>,
    ): Promise<SlidingAnswer> {
      const given = Object.fromEntries(
        Object.entries(body).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
      );
      const answer = await ask(user, { ...given, ...(pos !== undefined && { pos }) });
      if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body as unknown as SlidingAnswer;
    },
  };
}

export type SlidingApp = Awaited<ReturnType<typeof startSlidingApp>>;
