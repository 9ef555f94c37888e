import type { Config } from '@atoll/config';
import { AccessToken } from '@atoll/http';
import { supportedRoomVersions } from '@atoll/room-rules';
import { Controller, Get, Inject } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

@Controller('/_matrix/client/v3/capabilities')
@RateLimited('own-account')
@AccessToken({ allowGuest: true })
export class CapabilitiesController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3capabilities */
  @Get()
  getCapabilities() {
    const delayedEvents = {
      max_delay_ms: this.config.maxEventDelayMs,
      max_scheduled: this.config.maxDelayedEvents,
    };
    return {
      capabilities: {
        'm.change_password': { enabled: true },
        'm.room_versions': {
          default: this.config.defaultRoomVersion,
          available: Object.fromEntries(
            supportedRoomVersions.map(({ version, disposition }) => [version, disposition]),
          ),
        },
        'm.delayed_events': delayedEvents,
        'org.matrix.msc4140.delayed_events': delayedEvents,
        'm.profile_fields': { enabled: true },
        'm.set_displayname': { enabled: true },
        'm.set_avatar_url': { enabled: true },
        'm.3pid_changes': { enabled: false },
        'm.get_login_token': { enabled: false },
        'm.forget_forced_upon_leave': { enabled: false },
      },
    };
  }
}
