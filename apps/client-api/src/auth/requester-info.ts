import type { TokenHolder } from '@atoll/database';

/** Who makes a request: what `@Requester()` gives to routes that declare `@AccessToken()`. */
export type RequesterInfo = TokenHolder;
