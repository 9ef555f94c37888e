import { type KeyBackup, KeyBackupReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { invalidParam, type JsonObject } from '@atoll/matrix';
import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import type { z } from 'zod';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import { BackupVersionsHandler } from './backup-versions.handler.js';
import { changedBackupSchema, newBackupSchema, versionParams } from './key-backup.schemas.js';
import { unknownBackup } from './unknown-backup.js';

type VersionParams = z.output<typeof versionParams>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
@Controller('/_matrix/client/v3/room_keys/version')
@AccessToken()
@RateLimited('key-backup')
export class BackupVersionsController {
  constructor(
    private readonly reader: KeyBackupReader,
    private readonly handler: BackupVersionsHandler,
  ) {}

  @Post()
  async postRoomKeysVersion(
    @Requester() { userId }: UserRequester,
    @Body({ schema: newBackupSchema }) { algorithm, auth_data }: z.output<typeof newBackupSchema>,
  ) {
    return { version: String(await this.handler.create(userId, algorithm, auth_data)) };
  }

  @Get()
  async getRoomKeysVersionCurrent(@Requester() { userId }: UserRequester) {
    return toBody(await this.reader.latest(userId));
  }

  @Get(':version')
  async getRoomKeysVersion(
    @Requester() { userId }: UserRequester,
    @Param({ schema: versionParams }) { version }: VersionParams,
  ) {
    return toBody(await this.reader.find({ userId, version }));
  }

  @Put(':version')
  async putRoomKeysVersion(
    @Requester() { userId }: UserRequester,
    @Param({ schema: versionParams }) { version }: VersionParams,
    @Body({ schema: changedBackupSchema }) body: z.output<typeof changedBackupSchema>,
  ) {
    if (body.version !== undefined && body.version !== String(version))
      throw invalidParam('The versions of the path and of the body differ');
    await this.handler.setAuthData({ userId, version }, body.algorithm, body.auth_data);
    return {};
  }

  @Delete(':version')
  async deleteRoomKeysVersion(
    @Requester() { userId }: UserRequester,
    @Param({ schema: versionParams }) { version }: VersionParams,
  ) {
    await this.handler.delete({ userId, version });
    return {};
  }
}

function toBody(backup: KeyBackup | undefined) {
  if (!backup) throw unknownBackup();
  return {
    algorithm: backup.algorithm,
    auth_data: JSON.parse(backup.authData) as JsonObject,
    count: backup.count,
    etag: String(backup.etag),
    version: String(backup.version),
  };
}
