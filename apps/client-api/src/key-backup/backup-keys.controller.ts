import { Readable } from 'node:stream';
import type { BackedUpKey, KeyScope } from '@atoll/database';
import { AccessToken, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import { notFound, type RoomId } from '@atoll/matrix';
import { Body, Controller, Delete, Get, Param, Put, Query, StreamableFile } from '@nestjs/common';
import type { z } from 'zod';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import { BackupKeysHandler } from './backup-keys.handler.js';
import { BackupKeysPages } from './backup-keys-pages.js';
import {
  type RoomBody,
  roomParams,
  roomSchema,
  roomsSchema,
  type SessionBody,
  sessionParams,
  sessionSchema,
  versionQuery,
} from './key-backup.schemas.js';

/** Around 5,000 sessions. Clients send 100 to 200 at once. */
const BODY_LIMIT = 4 * 1024 * 1024;

type VersionQuery = z.output<typeof versionQuery>;
type RoomParams = z.output<typeof roomParams>;
type SessionParams = z.output<typeof sessionParams>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
@Controller('/_matrix/client/v3/room_keys/keys')
@AccessToken()
@RateLimited('key-backup')
export class BackupKeysController {
  constructor(
    private readonly handler: BackupKeysHandler,
    private readonly pages: BackupKeysPages,
  ) {}

  @Put()
  @RouteSettings({ bodyLimit: BODY_LIMIT })
  putRoomKeys(
    @Requester() requester: UserRequester,
    @Query({ schema: versionQuery }) query: VersionQuery,
    @Body({ schema: roomsSchema }) { rooms }: z.output<typeof roomsSchema>,
  ) {
    const keys = Object.entries(rooms).flatMap(([roomId, room]) => keysOfRoom(roomId as RoomId, room));
    return this.put(requester, query, keys);
  }

  @Put(':roomId')
  @RouteSettings({ bodyLimit: BODY_LIMIT })
  putRoomKeysByRoomId(
    @Requester() requester: UserRequester,
    @Query({ schema: versionQuery }) query: VersionQuery,
    @Param({ schema: roomParams }) { roomId }: RoomParams,
    @Body({ schema: roomSchema }) room: RoomBody,
  ) {
    return this.put(requester, query, keysOfRoom(roomId, room));
  }

  @Put(':roomId/:sessionId')
  putRoomKeyBySessionId(
    @Requester() requester: UserRequester,
    @Query({ schema: versionQuery }) query: VersionQuery,
    @Param({ schema: sessionParams }) { roomId, sessionId }: SessionParams,
    @Body({ schema: sessionSchema }) session: SessionBody,
  ) {
    return this.put(requester, query, [keyOf(roomId, sessionId, session)]);
  }

  @Get()
  async getRoomKeys(
    @Requester() { userId }: UserRequester,
    @Query({ schema: versionQuery }) { version }: VersionQuery,
  ) {
    return streamed(await this.pages.ofAllRooms({ userId, version }));
  }

  @Get(':roomId')
  async getRoomKeysByRoomId(
    @Requester() { userId }: UserRequester,
    @Query({ schema: versionQuery }) { version }: VersionQuery,
    @Param({ schema: roomParams }) { roomId }: RoomParams,
  ) {
    return streamed(await this.pages.ofRoom({ userId, version }, roomId));
  }

  @Get(':roomId/:sessionId')
  async getRoomKeyBySessionId(
    @Requester() { userId }: UserRequester,
    @Query({ schema: versionQuery }) { version }: VersionQuery,
    @Param({ schema: sessionParams }) { roomId, sessionId }: SessionParams,
  ) {
    const session = await this.pages.ofSession({ userId, version }, roomId, sessionId);
    if (!session) throw notFound('There is no such key in the backup');
    return session;
  }

  @Delete()
  deleteRoomKeys(
    @Requester() requester: UserRequester,
    @Query({ schema: versionQuery }) query: VersionQuery,
  ) {
    return this.delete(requester, query, {});
  }

  @Delete(':roomId')
  deleteRoomKeysByRoomId(
    @Requester() requester: UserRequester,
    @Query({ schema: versionQuery }) query: VersionQuery,
    @Param({ schema: roomParams }) params: RoomParams,
  ) {
    return this.delete(requester, query, params);
  }

  @Delete(':roomId/:sessionId')
  deleteRoomKeyBySessionId(
    @Requester() requester: UserRequester,
    @Query({ schema: versionQuery }) query: VersionQuery,
    @Param({ schema: sessionParams }) params: SessionParams,
  ) {
    return this.delete(requester, query, params);
  }

  private async put({ userId }: UserRequester, { version }: VersionQuery, keys: readonly BackedUpKey[]) {
    const { count, etag } = await this.handler.put({ userId, version }, keys);
    return { count, etag: String(etag) };
  }

  private async delete({ userId }: UserRequester, { version }: VersionQuery, scope: KeyScope) {
    const { count, etag } = await this.handler.delete({ userId, version }, scope);
    return { count, etag: String(etag) };
  }
}

function keysOfRoom(roomId: RoomId, { sessions }: RoomBody): BackedUpKey[] {
  return Object.entries(sessions).map(([sessionId, session]) => keyOf(roomId, sessionId, session));
}

function keyOf(roomId: RoomId, sessionId: string, session: SessionBody): BackedUpKey {
  return {
    roomId,
    sessionId,
    firstMessageIndex: session.first_message_index,
    forwardedCount: session.forwarded_count,
    isVerified: session.is_verified,
    sessionData: JSON.stringify(session.session_data),
  };
}

function streamed(json: AsyncIterable<string>): StreamableFile {
  return new StreamableFile(Readable.from(json, { objectMode: false }), { type: 'application/json' });
}
