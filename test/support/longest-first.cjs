/**
 * The order of test files. Those that take minutes come first, so that no processor waits for them at the end; Jest knows
 * that from an earlier run, and a clean clone has none. The others follow in Jest's own order.
 */
const { default: Sequencer } = require('@jest/test-sequencer');

const LONG = ['why-causes', 'lab-ways', 'lab', 'why', 'why-causes6', 'script', 'screen-reader'];

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => LONG.indexOf(/([^/]+)\.test\.ts$/.exec(path)?.[1] ?? '');
    const long = tests.filter((test) => rank(test) >= 0).sort((one, two) => rank(one) - rank(two));
    return [...long, ...super.sort(tests.filter((test) => !long.includes(test)))];
  }
};
