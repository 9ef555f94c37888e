import type { Config } from '@atoll/config';
import { AliasReader, type AliasRecord } from '@atoll/database';
import { isRoomId, notFound, type RoomAlias, type RoomId, serverNameOf } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';

/** Finds the room that a client names. Aliases of other servers lead nowhere as long as nobody asks those servers. */
@Injectable()
export class ResolveAlias {
  constructor(
    private readonly aliases: AliasReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async find(alias: RoomAlias): Promise<AliasRecord | undefined> {
    return this.isLocal(alias) ? this.aliases.find(alias) : undefined;
  }

  /** @throws MatrixError 404 for an alias that leads nowhere */
  async get(alias: RoomAlias): Promise<AliasRecord> {
    const found = await this.find(alias);
    if (found === undefined) throw notFound(`Room alias ${alias} not found`);
    return found;
  }

  /** @throws MatrixError 404 for an alias that leads nowhere */
  async roomId(idOrAlias: RoomId | RoomAlias): Promise<RoomId> {
    return isRoomId(idOrAlias) ? idOrAlias : (await this.get(idOrAlias)).roomId;
  }

  isLocal(alias: RoomAlias): boolean {
    return serverNameOf(alias) === this.config.serverName;
  }
}
