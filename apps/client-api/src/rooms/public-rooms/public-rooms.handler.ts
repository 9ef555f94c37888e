import type { Config } from '@atoll/config';
import {
  pageLimit,
  publishedRoomPage,
  type PublishedRoomPageQuery,
  PublishedRoomReader,
} from '@atoll/database';
import type { JsonObject, ServerName } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { RemoteDirectory } from './remote-directory.js';

/** Pages through the published rooms of this server or of another one. */
@Injectable()
export class PublicRoomsHandler {
  constructor(
    private readonly published: PublishedRoomReader,
    private readonly remote: RemoteDirectory,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * @throws MatrixError 400 `M_INVALID_PARAM` for a token of another directory; as `RemoteDirectory.page` for the directory of another
   * server
   */
  handle(server: ServerName | undefined, query: PublishedRoomPageQuery): Promise<JsonObject> {
    if (server === undefined || server === this.config.serverName) {
      return publishedRoomPage(this.published, query);
    }
    return this.remote.page(server, { ...query, limit: pageLimit(query.limit) });
  }
}
