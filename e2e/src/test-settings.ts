/** Settings of every server under test: cheap password hashes, no rate limits, a shared secret for the admin endpoint, server notices, somebody to ask. */
export const testSettings = {
  ATOLL_RATE_LIMITS: 'off',
  ATOLL_PASSWORD_HASH_MEMORY_KIB: '64',
  ATOLL_PASSWORD_HASH_ITERATIONS: '1',
  ATOLL_REGISTRATION_SHARED_SECRET: 'a secret of the tests',
  ATOLL_SERVER_NOTICES_USER: 'notices',
  ATOLL_SUPPORT_CONTACT: 'help@example.org',
};
