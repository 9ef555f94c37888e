import { z } from 'zod';
import { newSessionShape } from '../../auth/login/login.schema.js';
import { passwordSchema } from '../../auth/password-policy.js';
import { displayNameOfDeviceSchema } from '../../auth/text.schema.js';
import { authSchema } from '../../auth/uia/user-interactive-auth.js';

/** The body of `POST /register`. */
export const registerSchema = z.object({
  auth: authSchema,
  username: z.string().optional(),
  password: passwordSchema.optional(),
  inhibit_login: z.boolean().optional(),
  /** Of the guest who is to become a user. */
  guest_access_token: z.string().max(1024).optional(),
  ...newSessionShape,
});

export type RegisterRequest = z.output<typeof registerSchema>;

/** What counts of the body when a guest registers: everything else is ignored, whatever it is. */
export const registerGuestSchema = z.object({
  initial_device_display_name: displayNameOfDeviceSchema.optional(),
});

export const registerQuerySchema = z.object({ kind: z.enum(['user', 'guest']).default('user') });
