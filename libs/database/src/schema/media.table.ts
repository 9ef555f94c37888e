import type { ServerName, UserId } from '@atoll/matrix';

/** What is known about a piece of media; its bytes are stored under their SHA-256. */
export interface MediaTable {
  /** The server of its `mxc://` URI: this one, or the one it was fetched from. */
  server_name: ServerName;
  media_id: string;
  sha256: Buffer;
  size: number;
  /** As the uploader said. */
  content_type: string;
  file_name: string | null;
  /** Null for media of other servers. */
  uploader: UserId | null;
  created_ts: number;
}
