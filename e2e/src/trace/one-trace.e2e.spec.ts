import { describe, expect, test } from '@jest/globals';
import { EventsCommitted } from '@atoll/contract';
import { Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { path } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUser } from '../users.js';

interface Span {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  failed: boolean;
}

const { traceFile, redisUrl } = sharedCluster();

function spans(): Span[] {
  const lines = readFileSync(traceFile, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Span);
}

/** Spans end after the answer has gone out, so they are waited for. */
async function traceOf(isRoot: (span: Span) => boolean, names: readonly string[]): Promise<Span[]> {
  for (let tries = 0; ; tries += 1) {
    const all = spans();
    const { traceId } = all.findLast(isRoot) ?? {};
    const trace = all.filter((span) => span.traceId === traceId);
    if (tries > 100 || names.every((name) => trace.some((span) => span.name === name))) return trace;
    await sleep(50);
  }
}

/** Announcements that name the span as what they come from. */
async function announcementsOf(spanId: string): Promise<string[]> {
  const redis = new Redis(redisUrl);
  const entries = await redis.xrange(`{atoll:announcements}:${EventsCommitted.name}`, '-', '+');
  await redis.quit();
  return entries.flatMap(([, fields]) => fields.filter((field) => field.includes(spanId)));
}

describe('one send', () => {
  test('is one trace from the request through Redis to the commit and its announcement', async () => {
    const alice = await newUser('alice');
    const roomId = await alice.createRoom();
    await alice.expect('PUT', path`/v3/rooms/${roomId}/send/m.room.message/traced`, { body: 'x' });

    const route = 'PUT /_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId';
    const names = [route, 'request room.send-event', 'handle room.send-event', 'commit'];
    const trace = await traceOf((span) => span.name === route, names);
    const chain = names.map((name) => trace.find((span) => span.name === name));
    expect(chain.map((span) => span?.service)).toEqual([
      'client-api',
      'client-api',
      'room-state',
      'room-state',
    ]);
    expect(chain.map((span) => span?.parentSpanId)).toEqual([
      undefined,
      ...chain.slice(0, -1).map((span) => span?.spanId),
    ]);
    expect(trace.filter((span) => span.failed)).toEqual([]);
    expect(await announcementsOf(chain.at(-1)?.spanId ?? '')).toHaveLength(1);
  });
});
