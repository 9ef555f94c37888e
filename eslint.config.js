import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const platform = ['type:platform', 'type:contract', 'type:domain'];

/** What each kind of project may import; docs/decisions/0001-workspace.md gives the reasons. */
const boundaries = [
  { sourceTag: 'type:app', onlyDependOnLibsWithTags: platform },
  { sourceTag: 'type:composition', onlyDependOnLibsWithTags: [...platform, 'type:app', 'type:embedded'] },
  { sourceTag: 'type:platform', onlyDependOnLibsWithTags: platform },
  { sourceTag: 'type:contract', onlyDependOnLibsWithTags: ['type:contract', 'type:domain'] },
  {
    sourceTag: 'type:domain',
    onlyDependOnLibsWithTags: ['type:domain'],
    bannedExternalImports: ['@nestjs/*', 'kysely', 'pg', 'ioredis', 'bullmq', 'undici', '@opentelemetry/*'],
  },
  { sourceTag: 'type:embedded', onlyDependOnLibsWithTags: ['type:embedded'] },
  { sourceTag: 'type:testing', onlyDependOnLibsWithTags: [...platform, 'type:embedded', 'type:testing'] },
  { sourceTag: 'type:test', onlyDependOnLibsWithTags: [...platform, 'type:embedded', 'type:testing'] },
];

/** Tests may also start real servers and use the test library. */
const testBoundaries = boundaries.map((rule) => ({
  ...rule,
  onlyDependOnLibsWithTags: [...rule.onlyDependOnLibsWithTags, 'type:embedded', 'type:testing'],
}));

export default tseslint.config(
  { ignores: ['**/dist', '**/dist-spec', '**/node_modules', '.nx', '**/*.js', '**/*.mjs'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      // Nest types its plain options as classes.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@nx/enforce-module-boundaries': [
        'error',
        { enforceBuildableLibDependency: false, depConstraints: boundaries },
      ],
    },
  },
  {
    files: ['**/*.spec.ts', '**/*.spec-support.ts', '**/src/testing/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        { enforceBuildableLibDependency: false, depConstraints: testBoundaries },
      ],
    },
  },
);
