import type { UserRequester } from '@atoll/http';
import type { DeviceId } from '@atoll/matrix';

/** Who makes a request: what `@Requester()` gives to routes that declare `@AccessToken()`. */
export interface RequesterInfo extends UserRequester {
  readonly deviceId: DeviceId;
  readonly isAdmin: boolean;
}
