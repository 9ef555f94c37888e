import { uniqueName, testPassword } from '@atoll/testing';
import {
  ClientEvent,
  SyncState,
  createClient,
  type IStartClientOpts,
  type MatrixClient,
  type MatrixEvent,
  type Room,
} from 'matrix-js-sdk';
import { SlidingSync } from 'matrix-js-sdk/lib/sliding-sync.js';
import { CheckedFetch } from './checked-fetch.js';

/** Rooms as web clients show them: a few of them, each with the members that it needs. */
const SLIDING_LISTS = {
  rooms: {
    ranges: [[0, 20]],
    timeline_limit: 8,
    required_state: [
      ['*', '*'],
      ['m.room.member', '$LAZY'],
      ['m.room.member', '$ME'],
    ],
  },
};

/** A person with a real client. */
export class SdkUser {
  private constructor(
    readonly client: MatrixClient,
    private readonly answers: CheckedFetch,
  ) {}

  /** `sliding`: the client follows by sliding sync. */
  static async register(baseUrl: string, prefix: string, sliding = false): Promise<SdkUser> {
    const registered = await createClient({ baseUrl }).registerRequest({
      username: uniqueName(prefix),
      password: testPassword,
      auth: { type: 'm.login.dummy' },
    });
    const answers = new CheckedFetch();
    const client = createClient({
      baseUrl,
      userId: registered.user_id,
      deviceId: registered.device_id ?? '',
      accessToken: registered.access_token ?? '',
      fetchFn: answers.fetch,
    });
    return SdkUser.start(client, answers, sliding ? { slidingSync: slidingSyncOf(client) } : {});
  }

  /** The same user on a new device, with an empty store. */
  async onAnotherDevice(options: IStartClientOpts = {}): Promise<SdkUser> {
    const { baseUrl } = this.client;
    const session = await createClient({ baseUrl }).loginRequest({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: this.userId },
      password: testPassword,
    });
    const answers = new CheckedFetch();
    const client = createClient({
      baseUrl,
      userId: session.user_id,
      deviceId: session.device_id,
      accessToken: session.access_token,
      fetchFn: answers.fetch,
    });
    return SdkUser.start(client, answers, options);
  }

  private static async start(
    client: MatrixClient,
    answers: CheckedFetch,
    options: IStartClientOpts = {},
  ): Promise<SdkUser> {
    const user = new SdkUser(client, answers);
    await client.startClient({ initialSyncLimit: 8, pollTimeout: 5000, ...options });
    await user.eventually('first sync', () => client.isInitialSyncComplete());
    return user;
  }

  get userId(): string {
    return this.client.getSafeUserId();
  }

  room(roomId: string): Room | undefined {
    return this.client.getRoom(roomId) ?? undefined;
  }

  membership(roomId: string, userId = this.userId): string | undefined {
    return this.room(roomId)?.getMember(userId)?.membership;
  }

  /** What this client shows of the room. */
  messages(roomId: string): string[] {
    return this.timeline(roomId)
      .filter((event) => event.getType() === 'm.room.message')
      .map((event) => String(event.getContent()['body']));
  }

  timeline(roomId: string): MatrixEvent[] {
    return this.room(roomId)?.getLiveTimeline().getEvents() ?? [];
  }

  /** Looks after each sync whether `check` holds by now. @throws Error after `withinMs` */
  async eventually(what: string, check: () => unknown, withinMs = 10_000): Promise<void> {
    if (check()) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (error?: Error) => {
        clearTimeout(timer);
        this.client.off(ClientEvent.Sync, look);
        if (error) reject(error);
        else resolve();
      };
      const look = (state: SyncState) => {
        if (check()) finish();
        else if (state === SyncState.Stopped) finish(new Error(`sync stopped before ${what}`));
      };
      const timer = setTimeout(() => {
        finish(new Error(`${this.userId} never saw ${what}`));
      }, withinMs);
      this.client.on(ClientEvent.Sync, look);
    });
  }

  /** @throws Error when an answer to it broke the specification */
  stop(): void {
    this.client.stopClient();
    this.answers.expectNone();
  }
}

function slidingSyncOf(client: MatrixClient): SlidingSync {
  const lists = new Map(Object.entries(SLIDING_LISTS));
  return new SlidingSync(client.baseUrl, lists, SLIDING_LISTS.rooms, client, 5000);
}
