// A bash file that a module imports, with { type: 'text' }, is its text. Bun embeds it; Jest has test/support/text-module.js.
declare module '*.sh' {
  const text: string;
  export = text;
}
