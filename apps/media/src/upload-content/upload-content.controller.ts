import { Readable } from 'node:stream';
import type { TokenHolder } from '@atoll/database';
import { AccessToken, Requester, RouteSettings } from '@atoll/http';
import { MatrixError } from '@atoll/matrix';
import { Controller, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { UploadContentHandler } from './upload-content.handler.js';

const querySchema = z.object({
  // PostgreSQL's text holds every character but this one.
  filename: z
    .string()
    .max(1024)
    .refine((name) => !name.includes('\0'), 'must not contain NUL')
    .optional(),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload */
@Controller('_matrix/media/v3/upload')
export class UploadContentController {
  constructor(private readonly handler: UploadContentHandler) {}

  @AccessToken()
  @RouteSettings({ streamBody: true })
  @Post()
  async uploadContent(
    @Req() request: FastifyRequest,
    @Requester() { userId }: TokenHolder,
    @Query({ schema: querySchema }) { filename }: z.output<typeof querySchema>,
  ) {
    const { 'content-type': contentType, 'content-length': length } = request.headers;
    const upload = {
      uploader: userId,
      contentType: contentType ?? 'application/octet-stream',
      fileName: filename === '' ? undefined : filename,
      content: (request.body as Readable | undefined) ?? Readable.from([]),
      announcedBytes: length === undefined ? undefined : Number(length),
    };
    try {
      return { content_uri: await this.handler.handle(upload) };
    } catch (error) {
      // Clients read the answer when they have sent everything; the rest of it is thrown away.
      request.raw.resume();
      if (request.raw.complete || error instanceof MatrixError) throw error;
      throw new MatrixError(400, 'M_UNKNOWN', 'The upload was cut off');
    }
  }
}
