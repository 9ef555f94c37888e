import { MatrixError } from '@atoll/matrix';

/** This server looks nobody up by e-mail address or telephone number. */
export const noIdentityServer = () =>
  new MatrixError(400, 'M_SERVER_NOT_TRUSTED', 'This server trusts no identity server: invite by user id');
