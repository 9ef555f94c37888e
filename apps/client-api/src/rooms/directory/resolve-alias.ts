import type { Config } from '@atoll/config';
import { MAX_VIA, roomIdSchema } from '@atoll/contract';
import { AliasReader, type AliasRecord } from '@atoll/database';
import {
  isRoomId,
  isServerName,
  notFound,
  type RoomAlias,
  type RoomId,
  type ServerName,
  serverNameOf,
} from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { RemoteQuery, unusable } from '../../federation/remote-query.js';
import { CONFIG } from '../../platform/tokens.js';

/** The room that a client names, and servers that are said to be in it. */
export interface AliasTarget {
  readonly roomId: RoomId;
  readonly servers: readonly ServerName[];
}

/** What another server answers; names in `servers` that are none are left out. */
const answerSchema = z.object({
  room_id: roomIdSchema,
  servers: z.array(z.unknown()).transform((names) => names.filter(isServerName).slice(0, MAX_VIA)),
});
const MAX_ANSWER_BYTES = 262_144;

/** Finds the room that a client names: aliases of other servers are theirs to tell. */
@Injectable()
export class ResolveAlias {
  constructor(
    private readonly aliases: AliasReader,
    private readonly remote: RemoteQuery,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws MatrixError 502, 503 or 504 when the alias' server gives no usable answer */
  async find(alias: RoomAlias): Promise<AliasTarget | undefined> {
    if (!this.isLocal(alias)) return this.ask(alias);
    const found = await this.aliases.find(alias);
    return found && { roomId: found.roomId, servers: [this.config.serverName] };
  }

  /** @throws MatrixError 404 for an alias that leads nowhere, else as `find` */
  async get(alias: RoomAlias): Promise<AliasTarget> {
    const found = await this.find(alias);
    if (found === undefined) throw unknownAlias(alias);
    return found;
  }

  /** @throws MatrixError as `get` */
  async target(idOrAlias: RoomId | RoomAlias): Promise<AliasTarget> {
    return isRoomId(idOrAlias) ? { roomId: idOrAlias, servers: [] } : this.get(idOrAlias);
  }

  /** @throws MatrixError 404 for what is no alias of this server */
  async local(alias: RoomAlias): Promise<AliasRecord> {
    const found = this.isLocal(alias) ? await this.aliases.find(alias) : undefined;
    if (found === undefined) throw unknownAlias(alias);
    return found;
  }

  isLocal(alias: RoomAlias): boolean {
    return serverNameOf(alias) === this.config.serverName;
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory */
  private async ask(alias: RoomAlias): Promise<AliasTarget | undefined> {
    const server = serverNameOf(alias);
    const path = `/_matrix/federation/v1/query/directory?room_alias=${encodeURIComponent(alias)}`;
    const answer = await this.remote.ask(server, { path, maxBytes: MAX_ANSWER_BYTES });
    if (answer === undefined) return undefined;
    const { success, data } = answerSchema.safeParse(answer);
    if (!success) throw unusable(server);
    return { roomId: data.room_id, servers: data.servers };
  }
}

const unknownAlias = (alias: RoomAlias) => notFound(`Room alias ${alias} not found`);
