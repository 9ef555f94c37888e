import { z } from 'zod';
import { newSessionShape } from '../../auth/login/login.schema.js';
import { passwordSchema } from '../../auth/password-policy.js';
import { authSchema } from '../../auth/uia/user-interactive-auth.js';

/** The body of `POST /register`. */
export const registerSchema = z.object({
  auth: authSchema,
  username: z.string().optional(),
  password: passwordSchema.optional(),
  inhibit_login: z.boolean().optional(),
  ...newSessionShape,
});

export type RegisterRequest = z.output<typeof registerSchema>;

export const registerQuerySchema = z.object({ kind: z.enum(['user', 'guest']).default('user') });
