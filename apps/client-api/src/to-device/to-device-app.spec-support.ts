import { commitInLanes, KnownWaiting, ToDeviceTransactor } from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { startClientApi } from '../client-api.module.js';
import { type SyncAnswer, type SyncUser, startSyncApp } from '../sync/sync-app.spec-support.js';
import type { Answer, TestUser } from '../test-client-api.spec-support.js';

/** An answer of `/sync` with messages to the device. */
export type InboxAnswer = SyncAnswer & {
  readonly to_device?: { readonly events: { sender: string; type: string; content: JsonObject }[] };
};

type Messages = Record<string, Record<string, JsonObject>>;

let transactions = 0;

/** Two instances of the client-server API on the same database and Redis. */
export async function startToDeviceApp() {
  const app = await startSyncApp();
  const second = await startClientApi({ ...app.config, instanceId: 'second' });

  async function send(
    { token }: TestUser,
    messages: Messages | JsonObject,
    { type = 'm.test', txnId = `t${(transactions += 1)}` } = {},
  ): Promise<Answer> {
    const body = { messages } as JsonObject;
    return app.request('PUT', `/sendToDevice/${type}/${encodeURIComponent(txnId)}`, { token, body });
  }

  return {
    ...app,
    send,
    /** By the first instance or by the second one, in turn. */
    async requestOf(
      turn: number,
      method: string,
      path: string,
      { token, body }: { token: string; body?: JsonObject },
    ): Promise<Answer> {
      if (turn % 2 === 0) return app.request(method, path, { token, ...(body && { body }) });
      const response = await fetch(`http://127.0.0.1:${second.port}/_matrix/client/v3${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return {
        status: response.status,
        body: (await response.json()) as JsonObject,
        headers: response.headers,
      };
    },
    /** @throws Error unless it was taken in */
    async mustSend(...args: Parameters<typeof send>): Promise<void> {
      const { status, body } = await send(...args);
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    },
    /** One commit of as many requests as share one. */
    write: (sender: UserId, { userId, deviceId }: SyncUser, numbers: readonly number[]) =>
      commitInLanes(app.database.db, (trx, closing) =>
        new ToDeviceTransactor(trx, closing, new KnownWaiting()).send(
          numbers.map((n) => ({
            ...{ key: `flood ${userId} ${n}`, sender, type: 'm.test', outgoing: [], whenFull: 'remember' },
            local: new Map([[userId, new Map([[deviceId, JSON.stringify({ n })]])]]),
          })),
        ),
      ),
    /** One answer, and the numbers of the messages in it. */
    async read(
      user: TestUser,
      since?: string,
      timeout = 0,
    ): Promise<{ readonly next: string; readonly numbers: number[] }> {
      const answer: InboxAnswer = await app.sync(user, { since, timeout });
      return { next: answer.next_batch, numbers: numbersIn(answer) };
    },
    async registerDevices(name: string, count: number): Promise<SyncUser[]> {
      const first = await app.register(name);
      const devices = [first];
      for (let n = 1; n < count; n += 1) {
        devices.push({ ...(await app.logIn(name)), userId: first.userId });
      }
      return devices;
    },
    waitingFor: async ({ userId, deviceId }: TestUser) => {
      const { count } = await app.database.db
        .selectFrom('to_device')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('user_id', '=', userId as never)
        .where('device_id', '=', deviceId as never)
        .executeTakeFirstOrThrow();
      return count;
    },
    async close() {
      await second.close();
      await app.close();
    },
  };
}

export type ToDeviceApp = Awaited<ReturnType<typeof startToDeviceApp>>;

/** What {@link numbered} numbered. */
export const numbersIn = (answer: InboxAnswer) =>
  (answer.to_device?.events ?? []).map(({ content }) => Number(content['n']));

/** A message to one device. */
export const numbered = ({ userId, deviceId }: TestUser, n: number, device = deviceId): Messages => ({
  [userId]: { [device]: { n } },
});
