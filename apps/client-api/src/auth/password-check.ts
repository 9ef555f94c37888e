import { type Account, AccountReader } from '@atoll/database';
import { MatrixError, type UserId, forbidden } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { PasswordHasher } from './password-hasher.js';

/** Compares a password with an account's. */
@Injectable()
export class PasswordCheck {
  constructor(
    private readonly accounts: AccountReader,
    private readonly hasher: PasswordHasher,
  ) {}

  /**
   * The account whose password this is.
   * @throws MatrixError 403 M_FORBIDDEN for a wrong password and for an unknown user alike; 403 M_USER_DEACTIVATED
   */
  async verify(userId: UserId | undefined, password: string): Promise<Account> {
    const account = userId && (await this.accounts.find(userId));
    if (account?.isDeactivated) throw userDeactivated();
    const matches = await this.hasher.matches(password, account?.passwordHash);
    if (!account || !matches) throw forbidden('Invalid username or password');
    return account;
  }
}

export const userDeactivated = () =>
  new MatrixError(403, 'M_USER_DEACTIVATED', 'This account has been deactivated');
