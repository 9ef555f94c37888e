import type { Config } from '@atoll/config';
import { AccountDataReader } from '@atoll/database';
import { AccessToken, Requester } from '@atoll/http';
import { invalidParam, MatrixError, notFound, type UserId } from '@atoll/matrix';
import {
  changeRule,
  findRule,
  type PredefinedRuleChange,
  type PushRule,
  type PushRuleset,
  removeRule,
  type RulePlace,
  setRule,
} from '@atoll/push-rules';
import { Body, Controller, Delete, Get, Inject, Param, Put, Query } from '@nestjs/common';
import type { RequesterInfo } from '../auth/requester-info.js';
import { CONFIG } from '../platform/tokens.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import { ChangePushRulesHandler } from './change-push-rules.handler.js';
import {
  actionsBody,
  enabledBody,
  placeQuery,
  ruleBody,
  type RuleBody,
  ruleParams,
  type RuleParams,
  toRule,
} from './push-rule.schema.js';
import { PUSH_RULES, pushRulesOf } from './push-rules-content.js';

const RULE = 'global/:kind/:ruleId';

/**
 * What notifies a user of what.
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules-api
 */
@Controller('/_matrix/client/v3/pushrules')
@AccessToken()
export class PushRulesController {
  constructor(
    private readonly accountData: AccountDataReader,
    private readonly handler: ChangePushRulesHandler,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  async getPushRules(@Requester() { userId }: RequesterInfo) {
    return { global: await this.rulesOf(userId) };
  }

  @Get('global')
  getPushRulesGlobal(@Requester() { userId }: RequesterInfo) {
    return this.rulesOf(userId);
  }

  @Get(RULE)
  getPushRule(@Requester() { userId }: RequesterInfo, @Param({ schema: ruleParams }) rule: RuleParams) {
    return this.find(userId, rule);
  }

  @Put(RULE)
  @RateLimited('account-data')
  async setPushRule(
    @Requester() { userId }: RequesterInfo,
    @Param({ schema: ruleParams }) params: RuleParams,
    @Query({ schema: placeQuery }) place: RulePlace,
    @Body({ schema: ruleBody }) body: RuleBody,
  ) {
    const rule = toRule(params, body);
    await this.handler.change(userId, (stored) => {
      const changed = setRule(stored, params.kind, rule, place);
      if (!changed)
        throw new MatrixError(400, 'M_UNKNOWN', 'The rule to put it before or after is not there');
      return changed;
    });
    return {};
  }

  @Delete(RULE)
  @RateLimited('account-data')
  async deletePushRule(
    @Requester() { userId }: RequesterInfo,
    @Param({ schema: ruleParams }) rule: RuleParams,
  ) {
    const { kind, ruleId } = this.known(rule);
    await this.handler.change(userId, (stored) => removeRule(stored, kind, ruleId) ?? noRule());
    return {};
  }

  @Get(`${RULE}/enabled`)
  async isPushRuleEnabled(
    @Requester() { userId }: RequesterInfo,
    @Param({ schema: ruleParams }) rule: RuleParams,
  ) {
    const { enabled } = await this.find(userId, rule);
    return { enabled };
  }

  @Put(`${RULE}/enabled`)
  @RateLimited('account-data')
  setPushRuleEnabled(
    @Requester() { userId }: RequesterInfo,
    @Param({ schema: ruleParams }) rule: RuleParams,
    @Body({ schema: enabledBody }) change: PredefinedRuleChange,
  ) {
    return this.change(userId, rule, change);
  }

  @Get(`${RULE}/actions`)
  async getPushRuleActions(
    @Requester() { userId }: RequesterInfo,
    @Param({ schema: ruleParams }) rule: RuleParams,
  ) {
    const { actions } = await this.find(userId, rule);
    return { actions };
  }

  @Put(`${RULE}/actions`)
  @RateLimited('account-data')
  setPushRuleActions(
    @Requester() { userId }: RequesterInfo,
    @Param({ schema: ruleParams }) rule: RuleParams,
    @Body({ schema: actionsBody }) change: PredefinedRuleChange,
  ) {
    return this.change(userId, rule, change);
  }

  private async change(userId: UserId, rule: RuleParams, change: PredefinedRuleChange) {
    const { kind, ruleId } = this.known(rule);
    await this.handler.change(
      userId,
      (stored) => changeRule(userId, stored, kind, ruleId, change) ?? noRule(),
    );
    return {};
  }

  private async find(userId: UserId, rule: RuleParams): Promise<PushRule> {
    const { kind, ruleId } = this.known(rule);
    return findRule(await this.rulesOf(userId), kind, ruleId) ?? noRule();
  }

  private known(rule: RuleParams): RuleParams {
    const isKnown = rule.kind !== 'postcontent' || this.config.threadSubscriptionRules;
    if (!isKnown) throw invalidParam('kind: not of this server');
    return rule;
  }

  private async rulesOf(userId: UserId): Promise<PushRuleset> {
    return pushRulesOf(userId, await this.accountData.find(userId, '', PUSH_RULES), this.config);
  }
}

function noRule(): never {
  throw notFound('The push rule was not found');
}
