// Lint rules for what types and the formatter cannot see: forgotten promises above all, since a step that nobody
// awaits breaks the order of a plan silently. No rule here is about style; prettier has the last word on that.
import tseslint from 'typescript-eslint';

const SYNTAX = [
  { selector: 'TSEnumDeclaration', message: 'A union of literals says the same and is erased.' },
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Named exports only, so that a name is the same everywhere.',
  },
  { selector: 'PrivateIdentifier', message: 'Write "private", as everywhere.' },
];
/** The shipped program is CommonJS; scripts run as they are, from their source. */
const NO_TOP_LEVEL_AWAIT = {
  selector: 'Program > ExpressionStatement > AwaitExpression',
  message: 'Bytecode needs CommonJS: no top-level await.',
};
/** Literals, also negative ones, and sums, products and shifts of two. */
const CONSTANTS = [
  '[init.type="Literal"]',
  '[init.argument.type="Literal"]',
  '[init.left.type="Literal"][init.right.type="Literal"]',
].map((init) => ({
  selector: `:matches(Program, Program > ExportNamedDeclaration) > VariableDeclaration[kind="const"] > VariableDeclarator[id.name=/[a-z]/]${init}`,
  message: 'A constant of a module is written in UPPER_CASE.',
}));

/** What .github/GLOSSARY.md says not to write, in comments and strings. */
const RIDDLES =
  /\b(whoever|elsewise|nobody's|is told|are told|be told|tells of|told of|told otherwise|unless told|aimed at|of which verb|bury|buried|lest)\b/i;

const plainEnglish = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      riddle: '"{{word}}": see .github/GLOSSARY.md.',
      throws: 'Write "@throws", which editors show.',
    },
  },
  create(context) {
    const check = (node, text) => {
      const word = RIDDLES.exec(text)?.[0];
      if (word !== undefined) context.report({ node, messageId: 'riddle', data: { word } });
    };
    return {
      Program: () =>
        context.sourceCode.getAllComments().forEach((comment) => {
          check(comment, comment.value);
          if (/\bThrows\b/.test(comment.value)) context.report({ node: comment, messageId: 'throws' });
        }),
      Literal: (node) => typeof node.value === 'string' && check(node, node.value),
      TemplateElement: (node) => check(node, node.value.raw),
    };
  },
};

export default tseslint.config(
  { ignores: ['**/*', '!src/**', '!images/**', '!runtime/**', '!test/**', '!scripts/**', '**/*.js'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './src/page/browser/tsconfig.json', './test/e2e/ui/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { words: { rules: { plain: plainEnglish } } },
    rules: {
      'words/plain': 'error',
      eqeqeq: 'error',
      'no-var': 'error',
      'no-console': 'off',
      'prefer-const': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-restricted-syntax': ['error', ...SYNTAX, NO_TOP_LEVEL_AWAIT],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // Otherwise the file is still loaded, for nothing.
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/no-unnecessary-type-arguments': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          caughtErrorsIgnorePattern: '^_',
          ignoreRestSiblings: true,
        },
      ],
      // A function that must return a promise to fit a type need not await anything.
      '@typescript-eslint/require-await': 'off',
      // Numbers read well in messages; objects do not, and those stay an error.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'images/**/*.ts', 'runtime/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...SYNTAX, NO_TOP_LEVEL_AWAIT, ...CONSTANTS],
    },
  },
  {
    files: ['scripts/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...SYNTAX, ...CONSTANTS] },
  },
  {
    // Tests read JSON that the program under test printed; a wrong shape fails the test as surely as a type would.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
