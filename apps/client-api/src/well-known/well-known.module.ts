import { Module } from '@nestjs/common';
import { PolicyServerController } from './policy-server.controller.js';
import { ServerDelegationController } from './server-delegation.controller.js';
import { SupportController } from './support.controller.js';
import { WellKnownController } from './well-known.controller.js';

/** How clients find this server by its name. */
@Module({
  controllers: [PolicyServerController, ServerDelegationController, SupportController, WellKnownController],
})
export class WellKnownModule {}
