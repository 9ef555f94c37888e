import { z } from 'zod';
import { MAX_TO_DEVICE } from '../../sync/device-inbox.js';
import { DEFAULT_CHANGES, MAX_CHANGES } from '../../thread-subscriptions/changes-limit.js';
import { decodeToDeviceToken } from '../extensions/to-device-extension.js';
import type { ExtensionRequests, ExtensionScope, ToDeviceRequest } from '../sliding-request.js';
import { MAX_LISTS, MAX_SUBSCRIPTIONS } from './bounds.js';

const enabled = z.boolean().optional();
const scopeSchema = z.object({
  enabled,
  lists: z.array(z.string()).max(MAX_LISTS).nullish(),
  rooms: z.array(z.string()).max(MAX_SUBSCRIPTIONS).nullish(),
});

/** As long as MSC4308 is not accepted. */
export const THREAD_SUBSCRIPTIONS = 'io.element.msc4308.thread_subscriptions';
const changesSchema = z.object({
  enabled,
  limit: z
    .number()
    .int()
    .positive()
    .transform((limit) => Math.min(limit, MAX_CHANGES))
    .nullish(),
});

/** As the proposals of the extensions have them: MSC3885, MSC3884, MSC3959, MSC3960, MSC3961, MSC4308. Others are ignored. */
export const extensionsSchema = z
  .object({
    to_device: z
      .object({
        enabled,
        since: z.string().max(255).nullish(),
        limit: z.number().int().positive().nullish(),
      })
      .optional(),
    e2ee: z.object({ enabled }).optional(),
    account_data: scopeSchema.optional(),
    receipts: scopeSchema.optional(),
    typing: scopeSchema.optional(),
    [THREAD_SUBSCRIPTIONS]: changesSchema.optional(),
  })
  .transform(({ to_device, e2ee, account_data, receipts, typing, ...others }, context): ExtensionRequests => {
    const changes = others[THREAD_SUBSCRIPTIONS];
    return {
      toDevice: to_device?.enabled === true ? toDeviceOf(to_device, context) : undefined,
      e2ee: e2ee?.enabled,
      accountData: scopeOf(account_data),
      receipts: scopeOf(receipts),
      typing: scopeOf(typing),
      threadSubscriptions:
        changes?.enabled === true ? { limit: changes.limit ?? DEFAULT_CHANGES } : undefined,
    };
  });

function toDeviceOf(
  { since, limit }: { since?: string | null | undefined; limit?: number | null | undefined },
  context: z.RefinementCtx,
): ToDeviceRequest {
  const position = typeof since === 'string' ? decodeToDeviceToken(since) : 0;
  if (position === undefined) {
    const refused = { message: 'not a token of this server', params: { errcode: 'M_INVALID_PARAM' } };
    context.addIssue({ code: 'custom', path: ['to_device', 'since'], ...refused });
  }
  return { since: position ?? 0, limit: Math.min(limit ?? MAX_TO_DEVICE, MAX_TO_DEVICE) };
}

function scopeOf(extension: z.output<typeof scopeSchema> | undefined): ExtensionScope | undefined {
  if (extension?.enabled !== true) return undefined;
  return { lists: new Set(extension.lists ?? ['*']), rooms: new Set(extension.rooms ?? ['*']) };
}
