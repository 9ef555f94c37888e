import { jsonObjectSchema } from '@atoll/contract';
import { invalidParam } from '@atoll/matrix';
import {
  MAX_GLOB_LENGTH,
  PUSH_RULE_KINDS,
  type PushAction,
  type PushRuleKind,
  type RuleToSet,
} from '@atoll/push-rules';
import { z } from 'zod';
import { textSchema } from '../auth/text.schema.js';

const MAX_ID_LENGTH = 255;

/** What older clients send; it means nothing. @see https://spec.matrix.org/v1.19/client-server-api/#historical-actions */
const HISTORICAL_ACTIONS = ['dont_notify', 'coalesce'];

const INVALID = { params: { errcode: 'M_INVALID_PARAM' } };

const actionsSchema = z
  .array(z.union([z.string(), z.looseObject({ set_tweak: z.string() })]))
  .transform((actions) =>
    actions.filter((action) => typeof action !== 'string' || !HISTORICAL_ACTIONS.includes(action)),
  )
  .refine((actions) => actions.every((action) => typeof action !== 'string' || action === 'notify'), {
    message: 'an unknown action',
    ...INVALID,
  })
  .transform((actions) => actions as PushAction[]);

const conditionSchema = z.intersection(z.object({ kind: z.string() }), jsonObjectSchema);

export const ruleParams = z.object({ kind: z.enum(PUSH_RULE_KINDS), ruleId: textSchema(MAX_ID_LENGTH) });
export type RuleParams = z.output<typeof ruleParams>;

export const placeQuery = z.object({ before: z.string().optional(), after: z.string().optional() });
export const enabledBody = z.object({ enabled: z.boolean() });
export const actionsBody = z.object({ actions: actionsSchema });

export const ruleBody = z.object({
  actions: actionsSchema,
  conditions: z.array(conditionSchema).optional(),
  pattern: z.string().optional(),
});
export type RuleBody = z.output<typeof ruleBody>;

/**
 * A rule as its kind allows it. Ids of room and sender rules may be anything: what is no room or user never matches.
 * @throws MatrixError 400 M_INVALID_PARAM
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
 */
export function toRule({ kind, ruleId }: RuleParams, body: RuleBody): RuleToSet {
  if (kind === 'postcontent') throw invalidParam('kind: these rules are all predefined');
  if (ruleId === '' || ruleId.startsWith('.')) throw invalidParam('ruleId: those with a dot are predefined');
  if (/[/\\]/.test(ruleId)) throw invalidParam('ruleId: neither slashes nor backslashes');
  const { actions, conditions = [], pattern } = body;
  const isConditional = hasConditions(kind);
  if (!isConditional && conditions.length > 0) throw invalidParam(`conditions: not of ${kind} rules`);
  if (kind !== 'content' && pattern !== undefined) throw invalidParam(`pattern: not of ${kind} rules`);
  if (kind === 'content' && pattern === undefined) throw invalidParam('pattern: content rules need one');
  if ((pattern?.length ?? 0) > MAX_GLOB_LENGTH) throw invalidParam('pattern: too long');
  return {
    rule_id: ruleId,
    actions,
    ...(isConditional && { conditions }),
    ...(pattern !== undefined && { pattern }),
  };
}

function hasConditions(kind: PushRuleKind): boolean {
  return kind === 'override' || kind === 'underride';
}
