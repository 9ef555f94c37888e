import { invalidParam } from '@atoll/matrix';

/** The answer to a question about users of other servers. */
export const notOurUser = () => invalidParam('Only users of this server can be asked for');
