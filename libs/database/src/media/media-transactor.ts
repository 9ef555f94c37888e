import type { ServerName, UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { StoredMedia } from './media-reader.js';

export interface NewMedia extends StoredMedia {
  readonly serverName: ServerName;
  readonly mediaId: string;
  readonly uploader: UserId;
}

/** Records media whose bytes are already stored. */
export class MediaTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  async add(media: NewMedia): Promise<void> {
    await this.transaction
      .insertInto('media')
      .values({
        server_name: media.serverName,
        media_id: media.mediaId,
        sha256: media.sha256,
        size: media.size,
        content_type: media.contentType,
        file_name: media.fileName,
        uploader: media.uploader,
        created_ts: Date.now(),
      })
      .execute();
  }
}
