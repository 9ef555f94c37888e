import type { Config } from '@atoll/config';

/** A service that carries calls. */
export interface RtcTransport {
  readonly type: 'livekit';
  readonly livekit_service_url: string;
}

/** The services that carry the calls of this server's users, the preferred one first. */
export function rtcTransports({ rtcLivekitUrls }: Pick<Config, 'rtcLivekitUrls'>): RtcTransport[] {
  return rtcLivekitUrls.map((url) => ({ type: 'livekit', livekit_service_url: url }));
}
