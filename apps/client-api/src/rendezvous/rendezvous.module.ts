import { Module } from '@nestjs/common';
import { RendezvousController } from './rendezvous.controller.js';
import { RendezvousSessions } from './rendezvous-sessions.js';

/** Where a device that wants to log in meets one that is logged in. */
@Module({ controllers: [RendezvousController], providers: [RendezvousSessions] })
export class RendezvousModule {}
