// Jest's way (package.json) to load what `import text from './file.sh' with { type: 'text' }` loads: the file's text.
export default {
  process: (text) => ({ code: `export default ${JSON.stringify(text)};` }),
};
