import { userIdSchema } from '@atoll/contract';
import { ProfileReader } from '@atoll/database';
import { FederationSignature } from '@atoll/http';
import { notFound, type JsonObject } from '@atoll/matrix';
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';

const querySchema = z.object({ user_id: userIdSchema, field: z.string().optional() });

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile */
@FederationSignature()
@Controller('_matrix/federation/v1/query/profile')
export class QueryProfileController {
  constructor(private readonly profiles: ProfileReader) {}

  @Get()
  async queryProfile(
    @Query({ schema: querySchema }) { user_id: userId, field }: z.output<typeof querySchema>,
  ): Promise<JsonObject> {
    // Only users of this server have rows.
    const fields = await this.profiles.fieldsOf(userId);
    if (fields === undefined) throw notFound('User not found');
    if (field === undefined) return fields;
    if (!Object.hasOwn(fields, field)) throw notFound('The user has no such profile field');
    return { [field]: fields[field] };
  }
}
