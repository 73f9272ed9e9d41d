/**
 * A command that gets to know only the options that a command line may name, and those that have a default. Commander
 * takes 30 µs for each option, compares it with all others, and `run` has more than a hundred: 3 ms of its start.
 *
 * Good for a command line that is right. Whatever commander has to say of a wrong one, it says with all options known
 * (verb-runner.ts).
 */
import { Command, type Option } from 'commander';

export class LeanCommand extends Command {
  private readonly named: ReadonlySet<string>;

  /** `words`: those after the verb; some may be values or the container's own, which costs an option at most. */
  constructor(name: string, words: readonly string[]) {
    super(name);
    this.named = new Set(words.flatMap(optionsIn));
  }

  override option(flags: string, ...rest: unknown[]): this {
    return hasDefault(flags, rest) || this.names(flags) ? super.option(flags, ...(rest as [string])) : this;
  }

  override addOption(option: Option): this {
    return option.defaultValue !== undefined || option.negate || this.names(option.flags)
      ? super.addOption(option)
      : this;
  }

  private names(flags: string): boolean {
    return flags.split(/[ ,|]+/).some((word) => this.named.has(word));
  }
}

/** `--no-x` says that x is true by default; a value other than a parser is a default. */
const hasDefault = (flags: string, [, parser, value]: readonly unknown[]): boolean =>
  flags.includes('--no-') || value !== undefined || (parser !== undefined && typeof parser !== 'function');

/** `--name=web` may be `--name`; `-itd` may be `-i`, `-t` and `-d`, or `-i` with a value. */
function optionsIn(word: string): readonly string[] {
  if (word.startsWith('--')) return [word.split('=', 1)[0] ?? ''];
  return word.startsWith('-') ? [...word.slice(1)].map((letter) => `-${letter}`) : [];
}
