import { ChangeMembership, type CommandInput } from '@atoll/contract';
import type { Database } from '@atoll/database';
import type { RoomId, UserId } from '@atoll/matrix';
import { type CommandContext, connectRedis, OnCommand, StreamServer } from '@atoll/redis-streams';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { sql } from 'kysely';

export type Change = CommandInput<typeof ChangeMembership>;

/**
 * Owns every partition and answers `ChangeMembership` as the test wants, over real Redis Streams; what it has done under an
 * idempotency key it does not do again.
 */
export async function startScriptedRoomState(database: Database, redisUrl: string, partitions: number) {
  const asked: Change[] = [];
  const done = new Set<string>();
  const script: { onChange: (change: Change) => Promise<void> | void } = { onChange: () => undefined };

  @Controller()
  class ScriptedHandler {
    @OnCommand(ChangeMembership)
    async change(input: Change, { idempotencyKey }: CommandContext) {
      if (done.has(idempotencyKey)) return { eventId: null };
      asked.push(input);
      await script.onChange(input);
      done.add(idempotencyKey);
      return { eventId: null };
    }
  }

  @Module({ controllers: [ScriptedHandler] })
  class ScriptedModule {}

  const instance = 'scripted';
  const { db } = database;
  const expires_at = sql<Date>`now() + interval '1 hour'`;
  await db
    .insertInto('members')
    .values({ kind: 'room-state', instance, expires_at, leaving: false })
    .execute();
  await db
    .insertInto('partitions')
    .values(
      Array.from({ length: partitions }, (_, partition) => {
        return { kind: 'room-state', partition, owner: instance, epoch: 1 };
      }),
    )
    .execute();
  const redis = connectRedis(redisUrl, instance);
  const strategy = new StreamServer({ redis, service: 'room-state', instance });
  const app = await NestFactory.createMicroservice(ScriptedModule, { strategy, logger: false });
  await app.listen();
  return {
    /** In the order in which they came. */
    asked,
    script,
    async close() {
      await app.close();
      redis.disconnect();
    },
  };
}

/** A room with a member, as room-state would have written it. */
export async function writeMembership(
  { db }: Database,
  userId: UserId,
  roomId: RoomId,
  membership: 'join' | 'invite' | 'leave',
): Promise<void> {
  const { state_key_nid: user_nid } = await db
    .insertInto('state_keys')
    .values({ state_key: userId })
    .onConflict((conflict) => conflict.column('state_key').doUpdateSet({ state_key: userId }))
    .returning('state_key_nid')
    .executeTakeFirstOrThrow();
  const { room_nid } = await db
    .insertInto('rooms')
    .values({ room_id: roomId, version: '12', partition: 3, created_ts: 1 })
    .returning('room_nid')
    .executeTakeFirstOrThrow();
  await db
    .insertInto('memberships')
    .values({ user_nid, room_nid, membership, event_nid: 1, position: 1 })
    .execute();
}
