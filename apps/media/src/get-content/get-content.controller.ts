import { MediaReader } from '@atoll/database';
import { AccessToken } from '@atoll/http';
import { notFound } from '@atoll/matrix';
import { Controller, Get, Param, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { DiskStorage } from '../storage/disk-storage.js';
import { contentDisposition } from './content-disposition.js';
import { contentParamsSchema } from './content-params.schema.js';

/** Media is served with headers that keep browsers from running it. @see https://spec.matrix.org/v1.19/client-server-api/#content-repository */
const SAFE_HEADERS = {
  'content-security-policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'cross-origin-resource-policy': 'cross-origin',
  'x-content-type-options': 'nosniff',
};

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid */
@Controller('_matrix/client/v1/media/download/:serverName/:mediaId')
export class GetContentController {
  constructor(
    private readonly media: MediaReader,
    private readonly storage: DiskStorage,
  ) {}

  @AccessToken({ allowGuest: true })
  @Get(['', ':fileName'])
  async getContent(
    @Param({ schema: contentParamsSchema })
    { serverName, mediaId, fileName }: z.output<typeof contentParamsSchema>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const media = await this.media.find(serverName, mediaId);
    if (media === undefined) throw notFound('There is no such media here');
    const content = await this.storage.get(media.sha256);
    reply.headers(SAFE_HEADERS);
    return new StreamableFile(content, {
      type: media.contentType,
      length: media.size,
      disposition: contentDisposition(media.contentType, fileName ?? media.fileName),
    });
  }
}
