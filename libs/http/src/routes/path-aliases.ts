const OLD_PREFIX = /^\/_matrix\/(client|media)\/r0\//;

/** Serves the paths of the first stable versions, `r0`, by the routes of `v3`. @see https://spec.matrix.org/v1.19/client-server-api/#api-versions */
export function withoutOldPrefix(url: string): string {
  return url.replace(OLD_PREFIX, '/_matrix/$1/v3/');
}
