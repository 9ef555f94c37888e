import { roomAliasSchema } from '@atoll/contract';
import { AliasReader, RoomServersReader } from '@atoll/database';
import { FederationSignature } from '@atoll/http';
import { notFound, type ServerName } from '@atoll/matrix';
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';

/** Enough to join through; the largest servers come first. */
const MAX_SERVERS = 20;

const querySchema = z.object({ room_alias: roomAliasSchema });

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory */
@FederationSignature()
@Controller('_matrix/federation/v1/query/directory')
export class QueryRoomDirectoryController {
  constructor(
    private readonly aliases: AliasReader,
    private readonly servers: RoomServersReader,
    @Inject(OWN_SERVER_NAME) private readonly ownName: ServerName,
  ) {}

  @Get()
  async queryRoomDirectory(
    @Query({ schema: querySchema }) { room_alias: alias }: z.output<typeof querySchema>,
  ) {
    // Only aliases of this server have rows.
    const found = await this.aliases.find(alias);
    if (found === undefined) throw notFound('Room alias not found');
    const servers = await this.servers.serversIn(found.roomNid, MAX_SERVERS);
    return { room_id: found.roomId, servers: [...new Set([this.ownName, ...servers])] };
  }
}
