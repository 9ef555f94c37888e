import { OptionalAccessToken, Public, Requester, type UserRequester } from '@atoll/http';
import { forbidden, MatrixError, notFound, tooLarge } from '@atoll/matrix';
import { Body, Controller, Delete, Get, Headers, Param, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import { RendezvousSessions } from './rendezvous-sessions.js';

const MAX_DATA_BYTES = 4096;

/** What UTF-8 cannot hold would come out as something else. */
const dataSchema = z.string().refine((text) => text.isWellFormed(), 'holds half a character');
const createSchema = z.object({ data: dataSchema });
const writeSchema = createSchema.extend({ sequence_token: z.string().max(255) });

const params = z.object({ id: z.string().max(255) });
type Params = z.output<typeof params>;

const noSession = () => notFound('There is no such rendezvous, or it has expired');

/**
 * A place to which devices that know its id write in turns; what they write they encrypt themselves. Users of this server alone may make
 * one, as the proposal advises: else anybody could leave things here.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4388
 */
@Controller('/_matrix/client/unstable/io.element.msc4388/rendezvous')
export class RendezvousController {
  constructor(private readonly sessions: RendezvousSessions) {}

  @Get()
  @OptionalAccessToken()
  @RateLimited('rendezvous-address')
  discover(@Requester() requester: UserRequester | undefined) {
    return { create_available: requester !== undefined };
  }

  @Post()
  @OptionalAccessToken()
  @RateLimited('rendezvous-create')
  async create(
    @Requester() requester: UserRequester | undefined,
    @Body({ schema: createSchema }) { data }: z.output<typeof createSchema>,
  ) {
    if (!requester) throw forbidden('Only users of this server may create a rendezvous');
    requireFits(data);
    const { id, sequenceToken, expiresInMs } = await this.sessions.create(data);
    return { id, sequence_token: sequenceToken, expires_in_ms: expiresInMs };
  }

  @Put(':id')
  @Public()
  @RateLimited('rendezvous-address')
  async write(
    @Param({ schema: params }) { id }: Params,
    @Body({ schema: writeSchema }) { data, sequence_token: seen }: z.output<typeof writeSchema>,
  ) {
    requireFits(data);
    const written = await this.sessions.write(id, seen, data);
    if (written.outcome === 'unknown') throw noSession();
    if (written.outcome === 'concurrent')
      throw new MatrixError(409, 'IO_ELEMENT_MSC4388_CONCURRENT_WRITE', 'Somebody else wrote meanwhile');
    return { sequence_token: written.sequenceToken };
  }

  @Get(':id')
  @Public()
  @RateLimited('rendezvous-address')
  async read(
    @Param({ schema: params }) { id }: Params,
    @Headers('sec-fetch-mode') mode: string | undefined,
    @Headers('sec-fetch-dest') destination: string | undefined,
  ) {
    // A browser that was led here would show what a stranger wrote as a page of this server.
    if (mode === 'navigate' || destination === 'document') throw forbidden('This is no page');
    const payload = await this.sessions.read(id);
    if (!payload) throw noSession();
    const { data, sequenceToken, expiresInMs } = payload;
    return { data, sequence_token: sequenceToken, expires_in_ms: expiresInMs };
  }

  @Delete(':id')
  @Public()
  @RateLimited('rendezvous-address')
  async delete(@Param({ schema: params }) { id }: Params) {
    if (!(await this.sessions.delete(id))) throw noSession();
    return {};
  }
}

function requireFits(data: string): void {
  if (Buffer.byteLength(data) > MAX_DATA_BYTES)
    throw tooLarge(`The data is longer than ${MAX_DATA_BYTES} bytes`);
}
