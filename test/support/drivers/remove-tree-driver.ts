/** Removes the tree that is named, and prints `gone` or the code of the error: for a mount namespace of its own. */
import { removeTree } from '../../../src/engine/state/remove-tree.ts';

try {
  removeTree(process.argv[2] ?? '');
  console.log('gone');
} catch (error) {
  console.log((error as NodeJS.ErrnoException).code);
}
