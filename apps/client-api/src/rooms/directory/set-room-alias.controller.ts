import { roomAliasSchema, roomIdSchema } from '@atoll/contract';
import { AliasReader, AliasTransactor } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { invalidParam, type JsonObject, MatrixError, resourceLimit, type RoomAlias } from '@atoll/matrix';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import { RoomAccess } from '../access/room-access.js';
import { ResolveAlias } from './resolve-alias.js';

const setRoomAliasSchema = z.object({ room_id: roomIdSchema });
type SetRoomAlias = z.output<typeof setRoomAliasSchema>;

/** Any member may add some, and `getLocalAliases` lists them all. */
const MAX_ALIASES = 500;

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directoryroomroomalias */
@Controller('_matrix/client/v3/directory/room/:roomAlias')
export class SetRoomAliasController {
  constructor(
    private readonly access: RoomAccess,
    private readonly aliases: ResolveAlias,
    private readonly reader: AliasReader,
    private readonly transactor: AliasTransactor,
  ) {}

  /** Any member of the room may give it an alias of this server. */
  @Put()
  @AccessToken()
  async setRoomAlias(
    @Requester() { userId }: UserRequester,
    @Param('roomAlias', { schema: roomAliasSchema }) alias: RoomAlias,
    @Body({ schema: setRoomAliasSchema }) body: SetRoomAlias,
  ): Promise<JsonObject> {
    if (!this.aliases.isLocal(alias)) throw invalidParam('The alias belongs to another server');
    const room = await this.access.joined(userId, body.room_id);
    if ((await this.reader.aliasesOf(room.roomNid)).length >= MAX_ALIASES) {
      throw resourceLimit(`A room has at most ${MAX_ALIASES} aliases here`);
    }
    if (!(await this.transactor.create(alias, room.roomNid, userId))) {
      throw new MatrixError(409, 'M_UNKNOWN', `Room alias ${alias} already exists`);
    }
    return {};
  }
}
