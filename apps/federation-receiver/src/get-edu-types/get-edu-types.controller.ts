import { Public } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Controller, Get, Inject } from '@nestjs/common';

export const TAKES_PRESENCE = Symbol('TakesPresence');

/**
 * Which ephemeral messages other servers need not send: MSC4373, by the path of its draft, which other homeservers serve. In no version of
 * the specification that is at hand.
 */
@Controller('_matrix/federation/unstable/io.fsky.vel/edutypes')
@Public()
export class GetEduTypesController {
  constructor(@Inject(TAKES_PRESENCE) private readonly takesPresence: boolean) {}

  @Get()
  getEduTypes(): JsonObject {
    return { 'm.presence': this.takesPresence, 'm.receipt': true, 'm.typing': true };
  }
}
