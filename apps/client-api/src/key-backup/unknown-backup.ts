import { notFound } from '@atoll/matrix';

export const unknownBackup = () => notFound('Unknown backup version');
