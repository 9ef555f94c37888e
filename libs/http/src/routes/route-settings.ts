import { SetMetadata } from '@nestjs/common';
import type { CustomDecorator } from '@nestjs/common';
import type { FastifyContextConfig } from 'fastify';

export const ROUTE_SETTINGS_METADATA = 'atoll:route-settings';

/** Settings of one route that differ from the application's: its body limit, a streamed body, exact numbers, a long poll. */
export function RouteSettings(
  settings: Pick<FastifyContextConfig, 'bodyLimit' | 'streamBody' | 'exactJson' | 'longPoll'>,
): CustomDecorator {
  return SetMetadata(ROUTE_SETTINGS_METADATA, settings);
}
