import { Module } from '@nestjs/common';
import { PresenceActivityModule } from '../presence/presence-activity.module.js';
import { RoomsModule } from '../rooms/rooms.module.js';
import { SetTypingController } from './set-typing.controller.js';
import { TypingExpiry } from './typing-expiry.js';

/** Who types in a room. */
@Module({
  imports: [PresenceActivityModule, RoomsModule],
  controllers: [SetTypingController],
  providers: [TypingExpiry],
})
export class TypingModule {}
