import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type Database, MediaTransactor } from '@atoll/database';
import { type ServerName, tooLarge, type UserId } from '@atoll/matrix';
import type { MediaLimits } from '../media-limits.js';
import type { DiskStorage } from '../storage/disk-storage.js';

export interface Upload {
  readonly uploader: UserId;
  readonly contentType: string;
  readonly fileName: string | undefined;
  readonly content: Readable;
  /** What the client says that the size will be. */
  readonly announcedBytes: number | undefined;
}

/** Takes new media in. */
export class UploadContentHandler {
  constructor(
    private readonly serverName: ServerName,
    private readonly limits: MediaLimits,
    private readonly storage: DiskStorage,
    private readonly database: Database,
  ) {}

  /**
   * 1. What is announced as too large is refused unread.
   * 2. The bytes are stored.
   * 3. Then they get their id, which nobody can guess.
   * @returns the `mxc://` URI
   * @throws {MatrixError} 413 `M_TOO_LARGE`
   */
  async handle({ uploader, contentType, fileName, content, announcedBytes = 0 }: Upload): Promise<string> {
    const { maxUploadBytes } = this.limits;
    if (announcedBytes > maxUploadBytes) throw tooLarge(`The file is larger than ${maxUploadBytes} bytes`);
    const file = await this.storage.put(content, maxUploadBytes);
    const { serverName } = this;
    const mediaId = randomBytes(24).toString('base64url');
    const media = { ...file, serverName, mediaId, uploader, contentType, fileName: fileName ?? null };
    await this.database.db.transaction().execute((trx) => new MediaTransactor(trx).add(media));
    return `mxc://${serverName}/${mediaId}`;
  }
}
