import { Module } from '@nestjs/common';
import { RemoteQuery } from './remote-query.js';

/** The way to other servers, for features whose clients ask for what only those know. */
@Module({ providers: [RemoteQuery], exports: [RemoteQuery] })
export class FederationModule {}
