// A bash file that a module imports, with { type: 'text' }, is its text. Bun embeds it; Jest has test/support/text-module.js.
declare module '*.sh' {
  const text: string;
  export = text;
}
// The page of `minidock ui`, bundled by the build (scripts/page.ts).
declare module 'minidock:page' {
  export const html: string;
  export const script: string;
  export const style: string;
}
