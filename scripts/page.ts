/**
 * The page of `minidock ui` for scripts/compile.ts: src/page/browser bundled into one script and one style sheet, which
 * the module minidock:page holds as text. Nothing is loaded from elsewhere at run time.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BunPlugin } from 'bun';

export async function bundlePage(top: string): Promise<BunPlugin> {
  const folder = join(top, 'src/page/browser');
  const { outputs } = await Bun.build({
    entrypoints: [join(folder, 'main.ts')],
    target: 'browser',
    format: 'esm',
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const script = (await outputs[0]?.text()) ?? '';
  const read = (path: string): string => readFileSync(path, 'utf8');
  const style = read(join(top, 'node_modules/@xterm/xterm/css/xterm.css')) + read(join(folder, 'style.css'));
  const page = { html: read(join(folder, 'page.html')), script, style };
  return {
    name: 'page',
    setup: (build) => {
      build.onResolve({ filter: /^minidock:page$/ }, ({ path }) => ({ path, namespace: 'page' }));
      build.onLoad({ filter: /./, namespace: 'page' }, () => ({
        contents: Object.entries(page)
          .map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};`)
          .join('\n'),
        loader: 'js',
      }));
    },
  };
}
