/** A chain of directories that is longer than a path may be: made from within, one step at a time. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** `top` and `depth` levels of `d` below it; `text` is what a file at the bottom has. */
export function makeChain(top: string, depth: number, text?: string): void {
  mkdirSync(top, { recursive: true });
  // Not a shell: it spells out the path of where it is at each step, which takes the square of the depth.
  const script = `
    my ($depth, $text) = @ARGV;
    for (1..$depth) { mkdir "d" or die $!; chdir "d" or die $!; }
    if (defined $text) { open my $f, ">", "file" or die $!; print $f $text; close $f or die $!; }`;
  const words = ['-e', script, String(depth), ...(text === undefined ? [] : [text])];
  const { status, stderr } = spawnSync('perl', words, { cwd: top, encoding: 'utf8' });
  if (status !== 0) throw new Error(`cannot make the chain: ${stderr}`);
}
