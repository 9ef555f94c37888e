import { FilterReader } from '@atoll/database';
import { invalidParam, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { compileSyncFilter, filterSchema, type SyncFilter } from './sync-filter.js';

/** Finds the filter that a sync names or carries. */
@Injectable()
export class SyncFilterReader {
  constructor(private readonly filters: FilterReader) {}

  /** @throws {MatrixError} 400 `M_INVALID_PARAM` when there is no such filter, or it is none. */
  async find(userId: UserId, filter: string | undefined): Promise<SyncFilter> {
    const definition = filter === undefined ? {} : await this.definition(userId, filter);
    const parsed = filterSchema.safeParse(definition);
    if (!parsed.success) throw invalidParam('filter: not a filter');
    return compileSyncFilter(parsed.data);
  }

  private async definition(userId: UserId, filter: string): Promise<unknown> {
    if (filter.startsWith('{')) return parseJson(filter);
    const stored = filter.includes('\0') ? undefined : await this.filters.find(userId, filter);
    if (stored === undefined) throw invalidParam('filter: no such filter');
    return stored;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalidParam('filter: not JSON');
  }
}
