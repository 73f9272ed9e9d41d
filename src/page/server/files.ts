/** The page's files, as the build has bundled them (scripts/page.ts). Only the executable has them. */
import { html, script, style } from 'minidock:page';
import type { PageFile } from './serve.ts';

export const readFiles = (): ReadonlyMap<string, PageFile> =>
  new Map([
    ['', { type: 'text/html; charset=utf-8', text: html }],
    ['page.js', { type: 'text/javascript; charset=utf-8', text: script }],
    ['page.css', { type: 'text/css; charset=utf-8', text: style }],
  ]);
