import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  path,
  register,
  type Cluster,
  type ServiceProcess,
  type SyncAnswer,
  type TestUser,
} from '@atoll/testing';
import { listOf, SlidingClient, type SlidingRoom } from '../sliding-client.js';
import { actAtRandom, randomNumbers } from './random-actions.js';
import { startSmallCluster } from './small-cluster.js';
import { SyncMirror } from './sync-mirror.js';

const USERS = 20;
const ROOMS = 10;
const ACTIONS = 600;
/** Actions under way at once. */
const AT_ONCE = 6;
const SEED = Number(process.env['ATOLL_FUZZ_SEED'] ?? Date.now() % 1_000_000);

/** A client that follows its user's syncs by one instance after the other, and knows nothing else. */
class Client {
  readonly mirror = new SyncMirror();
  private since: string | undefined;
  private syncs = 0;

  constructor(
    readonly user: TestUser,
    private readonly instances: readonly string[],
    /** Whether it asks for the state after the timeline. */
    private readonly usesStateAfter: boolean,
  ) {}

  /** One answer of any instance that is there. @returns whether it brought something */
  async sync(timeout: number): Promise<boolean> {
    const url = this.instances[this.syncs++ % this.instances.length] ?? '';
    const before = this.since;
    const answer = await this.user.through(url).sync(this.parameters(timeout));
    this.mirror.apply(answer);
    this.since = answer.next_batch;
    return this.since !== before;
  }

  /** What a client knows that begins now. */
  async afresh(): Promise<SyncMirror> {
    const mirror = new SyncMirror();
    mirror.apply(await this.user.sync({ ...this.parameters(0), since: undefined }));
    return mirror;
  }

  private parameters(timeout: number) {
    const filter = JSON.stringify({ room: { timeline: { limit: 5 } } });
    return { timeout, filter, since: this.since, use_state_after: this.usesStateAfter };
  }
}

/** A client that slides: it asks for all of its rooms, with all of their state. */
class Slider {
  readonly state = new Map<string, Record<string, string>>();
  private readonly connection: SlidingClient;
  private readonly ways: readonly TestUser[];
  private syncs = 0;

  constructor(user: TestUser, instances: readonly string[], connId: string) {
    this.connection = new SlidingClient(user, connId);
    this.ways = instances.map((url) => user.through(url));
  }

  /** @returns whether the answer brought something */
  async sync(timeout: number): Promise<boolean> {
    const lists = listOf({ range: [0, 99], timeline_limit: 5, required_state: { include: [{}] } });
    const way = this.ways[this.syncs++ % this.ways.length];
    const { rooms } = await this.connection.next({ lists, timeout }, way);
    for (const [roomId, room] of Object.entries(rooms)) this.apply(roomId, room);
    return Object.keys(rooms).length > 0;
  }

  private apply(roomId: string, { initial, membership, required_state = [] }: SlidingRoom): void {
    if (membership !== undefined && membership !== 'join') {
      this.state.delete(roomId);
      return;
    }
    const state = initial === true ? {} : (this.state.get(roomId) ?? {});
    for (const { type, state_key, event_id } of required_state)
      state[`${type}|${state_key ?? ''}`] = event_id;
    this.state.set(roomId, state);
  }
}

let cluster: Cluster;
let clients: Client[];
let sliders: Slider[];
let roomIds: string[];
beforeAll(async () => {
  cluster = await startSmallCluster();
  const urls = cluster.instances('client-api').map(({ clientUrl }) => clientUrl);
  const users = await Promise.all(
    Array.from({ length: USERS }, (_, n) => register(cluster.clientUrl, `user${n}`)),
  );
  clients = users.map((user, n) => new Client(user, urls, n % 2 === 0));
  sliders = users.map((user) => new Slider(user, urls, 'fuzz'));
  const power = { power_level_content_override: { state_default: 0, events: {}, invite: 0, kick: 50 } };
  roomIds = await Promise.all(
    users
      .slice(0, ROOMS)
      .map((user, n) => user.createRoom({ preset: n % 3 === 0 ? 'private_chat' : 'public_chat', ...power })),
  );
}, 120_000);
afterAll(() => cluster.stop());

const isOver = { value: false };

async function follow(client: { sync(timeout: number): Promise<unknown> }): Promise<void> {
  while (!isOver.value) {
    try {
      await client.sync(1_000);
    } catch {
      // Its instance is dead: the next one answers.
      await sleep(50);
    }
  }
}

async function killAndRestart(instance: ServiceProcess | undefined): Promise<void> {
  await instance?.kill('SIGKILL');
  await instance?.start();
}

/** @returns how many actions were allowed */
async function act(): Promise<number> {
  const random = randomNumbers(SEED);
  const actors = {
    users: clients.map(({ user }) => user),
    roomIds,
    sent: new Map<string, string[]>(),
    random,
  };
  let left = ACTIONS;
  let allowed = 0;
  const worker = async () => {
    while (left-- > 0) {
      const isAllowed = await actAtRandom(actors).catch(() => {
        // What the death of an instance cut off does not count as an action.
        left++;
        return sleep(50, false);
      });
      if (isAllowed) allowed++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return allowed;
}

async function stateOf(user: TestUser, roomId: string): Promise<Record<string, string>> {
  const { body } = await user.request('GET', path`/v3/rooms/${roomId}/state`);
  const events = body as unknown as { type: string; state_key: string; event_id: string }[];
  return Object.fromEntries(events.map((event) => [`${event.type}|${event.state_key}`, event.event_id]));
}

test(`what clients know from their syncs is what the server says, whatever died meanwhile (seed ${SEED})`, async () => {
  const following = [...clients, ...sliders].map(follow);
  const acting = act();
  const [instance] = cluster.instances('client-api');
  const [, owner] = cluster.instances('room-state');
  await sleep(2_000);
  await killAndRestart(instance);
  await killAndRestart(owner);
  expect(await acting).toBeGreaterThan(ACTIONS / 6);
  isOver.value = true;
  await Promise.all(following);

  for (const client of clients) {
    // Typing may end by itself: the last sync is one that waits in vain.
    for (let n = 0; n < 50 && (await client.sync(0)); n++);
    const { user, mirror } = client;
    expect({ user: user.userId, repeated: mirror.repeated }).toEqual({ user: user.userId, repeated: [] });
    const fresh = await client.afresh();
    expect([...mirror.joined.keys()].sort()).toEqual([...fresh.joined.keys()].sort());
    expect([...mirror.invited].sort()).toEqual([...fresh.invited].sort());
    expect(mirror.accountData).toEqual(fresh.accountData);
    for (const [roomId, room] of mirror.joined) {
      expect(room).toEqual(fresh.joined.get(roomId));
      expect(room.state).toEqual(await stateOf(user, roomId));
    }
  }
}, 180_000);

test('clients that slide know the same', async () => {
  for (const [index, slider] of sliders.entries()) {
    for (let n = 0; n < 50 && (await slider.sync(0)); n++);
    const mirror = clients[index]?.mirror;
    const joined = new Map([...(mirror?.joined ?? [])].map(([roomId, { state }]) => [roomId, state]));
    expect(slider.state).toEqual(joined);
  }
}, 120_000);

test('every event that a client may see came to it, or can be paged to', async () => {
  for (const { user, mirror } of clients.slice(0, 4)) {
    for (const roomId of mirror.joined.keys()) {
      const answer: SyncAnswer = await user.sync({ filter: JSON.stringify({ room: { rooms: [roomId] } }) });
      const timeline = answer.rooms?.join?.[roomId]?.timeline;
      const newest = (timeline?.events ?? []).map(({ event_id }) => event_id);
      const history = (await user.history(roomId)).map(({ event_id }) => event_id).reverse();
      expect(new Set(history).size).toBe(history.length);
      expect(history.slice(-newest.length)).toEqual(newest);
    }
  }
}, 120_000);
