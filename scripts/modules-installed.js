// modules-installed.js: whether node_modules holds what package-lock.json asks for, by the list that npm leaves there
// when it has done everything. Status 1 if not. Libraries for other machines (os, cpu) are optional and may be missing.
import { existsSync, readFileSync } from 'node:fs';

const read = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;

function isInstalled() {
  if (!existsSync('node_modules/.package-lock.json')) return false;
  const wanted = read('package-lock.json');
  const found = read('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const there = found[path];
    if (there === undefined) return optional === true;
    return there.version === version && there.integrity === integrity && existsSync(path);
  });
}

process.exitCode = isInstalled() ? 0 : 1;
