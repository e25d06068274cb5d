import js from '@eslint/js';
import jupyterPlugin from '@jupyter/eslint-plugin';
import { defineConfig } from 'eslint/config';
import reactHooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import tseslint from 'typescript-eslint';

// The plugin's recommended set covers every rule it has (sources, schema
// files, Galata specs) but only warns for most: here each of them is an error.
// 'off' stays, it marks rules that make no sense for a kind of file.
const jupyter = jupyterPlugin.configs.recommended.map(config => ({
  ...config,
  rules: Object.fromEntries(
    Object.entries(config.rules).map(([rule, level]) => [
      rule,
      level === 'off' ? 'off' : 'error'
    ])
  )
}));

const covered = new Set(jupyter.flatMap(config => Object.keys(config.rules)));
const missing = Object.keys(jupyterPlugin.rules).filter(
  rule => !covered.has(`jupyter/${rule}`)
);
if (missing.length > 0) {
  throw new Error(`rules of @jupyter/eslint-plugin not turned on: ${missing}`);
}

export default defineConfig([
  {
    ignores: [
      '.venv*',
      '.yarn',
      'coverage',
      'dist',
      'examples',
      'lib',
      'node_modules',
      'pyruns_jupyter',
      // Generated from openapi.yaml by each build.
      'src/client/schema.ts',
      '**/*.d.ts',
      '**/*.js',
      '**/*.mjs'
    ]
  },
  { plugins: { jupyter: jupyterPlugin, 'react-hooks': reactHooks } },
  ...jupyter,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [js.configs.recommended, tseslint.configs.recommended],
    languageOptions: {
      globals: { ...globals.browser, ...globals.es2021 },
      parserOptions: {
        project: [
          './tsconfig.json',
          './docs/extension/tsconfig.json',
          './ui-tests/tsconfig.json'
        ],
        sourceType: 'module'
      }
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'interface',
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z]', match: true }
        }
      ],
      '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: false }
      ],
      '@typescript-eslint/no-namespace': 'off',
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'no-console': 'error'
    }
  },
  {
    // The other parts know nothing of React, whatever their functions' names.
    files: ['src/lab/**', 'src/views/**', 'src/widget/**'],
    rules: {
      'react-hooks/exhaustive-deps': ['error', { additionalHooks: 'useOwned' }],
      'react-hooks/rules-of-hooks': 'error'
    }
  },
  {
    // Requests belong to models, which know what is out of date.
    files: ['src/lab/**', 'src/views/**'],
    ignores: ['**/__tests__/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: [
            "CallExpression[callee.object.name='client']",
            "CallExpression[callee.object.property.name='client']"
          ].join(', '),
          message: 'Only models call the client: add a method to a model.'
        }
      ]
    }
  },
  {
    // The example shows the interface of Pyruns, and nothing else.
    files: ['docs/extension/**'],
    rules: {
      'jupyter/command-described-by': 'off',
      'jupyter/no-untranslated-string': 'off'
    }
  }
]);
