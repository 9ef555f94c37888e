import type { ServerName } from '@atoll/matrix';
import type { Database } from '../open-database.js';

export interface StoredMedia {
  readonly sha256: Buffer;
  /** In bytes. */
  readonly size: number;
  readonly contentType: string;
  readonly fileName: string | null;
}

/** Reads what is known about media. */
export class MediaReader {
  constructor(private readonly database: Database) {}

  async find(serverName: ServerName, mediaId: string): Promise<StoredMedia | undefined> {
    return this.database.db
      .selectFrom('media')
      .select(['sha256', 'size', 'content_type as contentType', 'file_name as fileName'])
      .where('server_name', '=', serverName)
      .where('media_id', '=', mediaId)
      .executeTakeFirst();
  }
}
