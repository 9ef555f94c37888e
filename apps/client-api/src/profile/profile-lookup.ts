import type { Config } from '@atoll/config';
import { ProfileReader } from '@atoll/database';
import { type JsonObject, type JsonValue, notFound, serverNameOf, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';
import { isFieldName } from './profile-field.js';
import { RemoteProfiles } from './remote-profiles.js';

/** Profiles of anybody: this server knows those of its users, and asks for others. */
@Injectable()
export class ProfileLookup {
  constructor(
    private readonly profiles: ProfileReader,
    private readonly remote: RemoteProfiles,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws MatrixError 404 when there is no such user; of other servers' users 403, 502, 503 or 504 too */
  async fieldsOf(userId: UserId): Promise<JsonObject> {
    const fields = this.isLocal(userId)
      ? await this.profiles.fieldsOf(userId)
      : await this.remote.fieldsOf(userId);
    if (fields === undefined) throw notFound('Profile not found');
    return fields;
  }

  /** @throws MatrixError 404 when the field is not set or there is no such user, else as `fieldsOf` */
  async field(userId: UserId, name: string): Promise<JsonValue> {
    const value = isFieldName(name) ? await this.read(userId, name) : undefined;
    if (value === undefined) throw notFound('Profile field not found');
    return value;
  }

  private async read(userId: UserId, name: string): Promise<JsonValue | undefined> {
    if (this.isLocal(userId)) return this.profiles.field(userId, name);
    const fields = await this.remote.fieldsOf(userId, name);
    return fields && Object.hasOwn(fields, name) ? fields[name] : undefined;
  }

  private isLocal(userId: UserId): boolean {
    return serverNameOf(userId) === this.config.serverName;
  }
}
