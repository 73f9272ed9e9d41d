// jest-result.js FILE: reads what `jest --json` wrote and prints `passed N`, then a line for each test that failed
// (`failed NAME :: WHY`) or was skipped (`skipped NAME :: REASON`). A test's reason stands in its name behind ' # skip: '.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const result = JSON.parse(readFileSync(process.argv[2], 'utf8'));
console.log('passed', result.numPassedTests);
for (const file of result.testResults) {
  const path = relative(process.cwd(), file.name);
  const failed = file.assertionResults.filter(({ status }) => status === 'failed');
  // A file that could not be loaded has no tests to count, and must not pass for that.
  if (file.status === 'failed' && failed.length === 0) console.log('failed', path, '(could not run)');
  for (const test of failed) console.log('failed', `${path}: ${oneLine(test.fullName)} :: ${why(test)}`);
  for (const test of file.assertionResults) {
    if (test.status === 'pending' || test.status === 'todo') {
      const [name, reason = 'skipped by the test itself'] = oneLine(test.fullName).split(' # skip: ');
      console.log('skipped', `${path}: ${name} :: ${reason}`);
    }
  }
}

/** How its first failure begins: the last lines of a long log are all that some readers see of it. */
function why({ failureMessages: [message = ''] = [] }) {
  const words = oneLine(stripVTControlCharacters(message).replace(/^\s+at .*$/gm, '')).trim();
  return words.length > 400 ? `${words.slice(0, 400)} …` : words;
}

function oneLine(text) {
  return text.replace(/\s+/g, ' ');
}
