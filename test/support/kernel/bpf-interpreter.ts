/** One filter's one answer, by the interpreter of the lessons: it knows nothing of how filters are built. */
import { answersOf, type SystemCall } from '../../../src/teach/lab/lessons/privileges/filter-answers.ts';

/** The filter's 32-bit answer. @throws on what the kernel's checker would refuse. */
export function runFilter(program: Uint8Array, { args = [], ...call }: SystemCall): number {
  const [answer, ...others] = answersOf(program, { ...call, args });
  if (answer === undefined || others.length > 0) throw new Error('the filter depends on what is not known');
  return answer;
}
