import { type BackedUpKey, type KeyBackupName, KeyBackupReader, type KeyScope } from '@atoll/database';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { unknownBackup } from './unknown-backup.js';

const PAGE_SIZE = 1000;

/**
 * The keys of a backup as clients read them. They may be hundreds of megabytes and the protocol has no pages, so they are read and given
 * out page by page. A key that is put or deleted meanwhile may be in the answer or not.
 */
@Injectable()
export class BackupKeysPages {
  constructor(private readonly reader: KeyBackupReader) {}

  /** JSON of all keys, in pieces. @throws MatrixError 404 M_NOT_FOUND before the first piece */
  async ofAllRooms(backup: KeyBackupName): Promise<AsyncIterable<string>> {
    await this.requireBackup(backup);
    return this.roomsJson(backup);
  }

  /** JSON of the keys of a room, in pieces. @throws MatrixError 404 M_NOT_FOUND before the first piece */
  async ofRoom(backup: KeyBackupName, roomId: RoomId): Promise<AsyncIterable<string>> {
    await this.requireBackup(backup);
    return this.roomJson(backup, roomId);
  }

  /** @throws MatrixError 404 M_NOT_FOUND when there is no such backup */
  async ofSession(backup: KeyBackupName, roomId: RoomId, sessionId: string): Promise<JsonObject | undefined> {
    const [key] = await this.reader.keys(backup, { roomId, sessionId }, 1);
    if (key) return JSON.parse(sessionJson(key)) as JsonObject;
    await this.requireBackup(backup);
    return undefined;
  }

  private async requireBackup(backup: KeyBackupName): Promise<void> {
    if (!(await this.reader.find(backup))) throw unknownBackup();
  }

  private async *roomsJson(backup: KeyBackupName): AsyncIterable<string> {
    yield '{"rooms":{';
    let roomId: RoomId | undefined;
    for await (const page of this.read(backup, {})) {
      const pieces = page.map((key) => {
        const separator = key.roomId === roomId ? ',' : openRoom(roomId, key.roomId);
        roomId = key.roomId;
        return separator + entryJson(key);
      });
      yield pieces.join('');
    }
    yield roomId === undefined ? '}}' : '}}}}';
  }

  private async *roomJson(backup: KeyBackupName, roomId: RoomId): AsyncIterable<string> {
    yield '{"sessions":{';
    let isFirst = true;
    for await (const page of this.read(backup, { roomId })) {
      yield (isFirst ? '' : ',') + page.map(entryJson).join(',');
      isFirst = false;
    }
    yield '}}';
  }

  private async *read(backup: KeyBackupName, scope: KeyScope): AsyncIterable<BackedUpKey[]> {
    let page: BackedUpKey[] = [];
    do {
      page = await this.reader.keys(backup, scope, PAGE_SIZE, page.at(-1));
      if (page.length > 0) yield page;
    } while (page.length === PAGE_SIZE);
  }
}

function openRoom(before: RoomId | undefined, roomId: RoomId): string {
  return `${before === undefined ? '' : '}},'}${JSON.stringify(roomId)}:{"sessions":{`;
}

function entryJson(key: BackedUpKey): string {
  return `${JSON.stringify(key.sessionId)}:${sessionJson(key)}`;
}

function sessionJson({ firstMessageIndex, forwardedCount, isVerified, sessionData }: BackedUpKey): string {
  return `{"first_message_index":${firstMessageIndex},"forwarded_count":${forwardedCount},"is_verified":${isVerified},"session_data":${sessionData}}`;
}
