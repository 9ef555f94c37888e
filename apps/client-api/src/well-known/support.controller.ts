import type { Config } from '@atoll/config';
import { Public } from '@atoll/http';
import { isUserId, type JsonObject, notFound } from '@atoll/matrix';
import { Controller, Get, Inject } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';

/** Whom to ask about this server, if its administrators have said so. */
@Controller('/.well-known/matrix/support')
@Public()
export class SupportController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixsupport */
  @Get()
  getWellknownSupport(): JsonObject {
    const { supportContact: contact, supportPage: page } = this.config;
    if (contact === undefined && page === undefined) throw notFound('This server names nobody');
    const address = isUserId(contact) ? { matrix_id: contact } : { email_address: contact };
    return {
      ...(contact !== undefined && { contacts: [{ role: 'm.role.admin', ...(address as JsonObject) }] }),
      ...(page !== undefined && { support_page: page }),
    };
  }
}
