// Jest's environment for mutants: after the first test that fails, the rest of the file is skipped, while its hooks
// still clean up. Jest's own --bail only looks between files, and ends what runs at that moment without any clean-up.
import { TestEnvironment } from 'jest-environment-node';

export default class FirstFailure extends TestEnvironment {
  #failed = false;

  handleTestEvent(event) {
    if (event.name === 'test_done' && event.test.errors.length > 0) this.#failed = true;
    if (event.name === 'test_start' && this.#failed) event.test.mode = 'skip';
  }
}
