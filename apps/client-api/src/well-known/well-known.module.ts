import { Module } from '@nestjs/common';
import { WellKnownController } from './well-known.controller.js';

/** How clients find this server by its name. */
@Module({ controllers: [WellKnownController] })
export class WellKnownModule {}
