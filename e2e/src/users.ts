import { register, type Answer, type ClientEvent, type TestUser } from '@atoll/testing';
import { sharedCluster } from './shared-cluster/shared-cluster.js';

/** New users of the shared cluster, one for each name. */
export function newUsers(...names: string[]): Promise<TestUser[]> {
  return Promise.all(names.map((name) => register(sharedCluster().clientUrl, name)));
}

export async function newUser(name = 'user'): Promise<TestUser> {
  return register(sharedCluster().clientUrl, name);
}

/** `200`, or status and errcode: `403 M_FORBIDDEN`. */
export function outcome({ status, body }: Answer): string {
  return body.errcode === undefined ? String(status) : `${status} ${body.errcode}`;
}

export const types = (events: readonly ClientEvent[] = []): string[] => events.map((event) => event.type);

export const ids = (events: readonly ClientEvent[] = []): string[] => events.map((event) => event.event_id);

/** The texts of the messages among events. */
export function texts(events: readonly ClientEvent[] = []): string[] {
  return events
    .filter((event) => event.type === 'm.room.message')
    .map((event) => String(event.content['body']));
}
