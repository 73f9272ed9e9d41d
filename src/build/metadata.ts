/** The instructions that change the configuration alone. */
import type { ContainerDefaults } from '../../images/types.ts';
import { parseSignal } from '../engine/spec/signals.ts';
import { syntaxError } from './errors.ts';
import type { Instruction } from './parse/instruction.ts';
import { expandWord, expandWords, type Variables } from './parse/shell-words.ts';
import { exposed, healthcheck, withCommand, withEnv } from './plan/config-change.ts';
import { inLine } from './plan/graph.ts';
import { healthText, list, quotedList } from './plan/history-text.ts';
import type { Stage } from './stage.ts';

export interface Scope {
  readonly escape: string;
  readonly buildArgs: Variables;
  readonly globals: Variables;
}

type Metadata = Exclude<Instruction, { readonly kind: 'RUN' | 'COPY' | 'ADD' | 'WORKDIR' | 'FROM' }>;

export function applyMetadata(stage: Stage, instruction: Metadata, scope: Scope): Stage {
  return inLine(instruction.lines, () => change(stage, instruction, scope));
}

function change(stage: Stage, instruction: Metadata, { escape, buildArgs, globals }: Scope): Stage {
  const { config, variables } = stage;
  const expand = (word: string): string => expandWord(word, variables, escape);
  const noted = (createdBy: string, changed: Partial<Stage> = {}): Stage => ({
    ...stage,
    ...changed,
    history: [
      ...stage.history,
      { created_by: createdBy, comment: 'buildkit.dockerfile.v0', empty_layer: true },
    ],
  });
  const configured = (createdBy: string, more: ContainerDefaults): Stage =>
    noted(createdBy, { config: { ...config, ...more } });
  switch (instruction.kind) {
    case 'ARG': {
      const args = new Set(stage.args);
      const changed = new Map(variables);
      const shown = instruction.args.map(([name, given]) => {
        const own = given === undefined ? undefined : expand(given);
        const value = buildArgs.get(name) ?? own ?? globals.get(name);
        args.delete(name);
        args.add(name);
        if (value !== undefined) changed.set(name, value);
        return own === undefined ? name : `${name}=${own}`;
      });
      return noted(`ARG ${shown.join(' ')}`, { args, variables: changed });
    }
    case 'ENV': {
      const pairs = instruction.pairs.map(([name, value]) => [expand(name), expand(value)] as const);
      const text = pairs.map(([name, value]) => `${name}=${value}`).join(' ');
      const Env = withEnv(config.Env ?? [], pairs);
      const all = new Map([...variables, ...pairs]);
      return noted(`ENV ${text}`, { config: { ...config, Env }, variables: all });
    }
    case 'LABEL': {
      const pairs = instruction.pairs.map(([name, value]) => [expand(name), expand(value)] as const);
      const text = pairs.map(([name, value]) => `${name}=${value}`).join(' ');
      return configured(`LABEL ${text}`, { Labels: { ...config.Labels, ...Object.fromEntries(pairs) } });
    }
    case 'EXPOSE': {
      const ports = instruction.words.flatMap((word) =>
        expandWords(word, variables, escape).flatMap((port) => {
          const found = exposed(port);
          if (found === undefined) throw syntaxError(`invalid containerPort: ${port}`, instruction.lines);
          return found;
        }),
      );
      const text = [...new Set(ports)].sort().map((port) => `${port}:{}`);
      const all = Object.fromEntries(ports.map((port) => [port, {}]));
      return configured(`EXPOSE map[${text.join(' ')}]`, {
        ExposedPorts: { ...config.ExposedPorts, ...all },
      });
    }
    case 'VOLUME': {
      const paths = instruction.words.map(expand);
      const all = Object.fromEntries(paths.map((path) => [path, {}]));
      return configured(`VOLUME ${list(paths)}`, { Volumes: { ...config.Volumes, ...all } });
    }
    case 'USER': {
      const user = expand(instruction.value);
      return configured(`USER ${user}`, { User: user });
    }
    case 'STOPSIGNAL': {
      const signal = expand(instruction.value);
      parseSignal(signal);
      return configured(`STOPSIGNAL ${signal}`, { StopSignal: signal });
    }
    case 'SHELL':
      return configured(`SHELL ${list(instruction.args)}`, { Shell: instruction.args });
    case 'ONBUILD':
      return { ...stage, config: { ...config, OnBuild: [...(config.OnBuild ?? []), instruction.value] } };
    case 'HEALTHCHECK': {
      const health = healthcheck(instruction);
      return configured(healthText(health), { Healthcheck: health });
    }
    case 'MAINTAINER':
      return noted(`MAINTAINER ${instruction.value}`, { author: instruction.value });
    case 'CMD':
    case 'ENTRYPOINT': {
      const settings = withCommand(stage, instruction.kind, instruction.command);
      const args = (instruction.kind === 'CMD' ? settings.config.Cmd : settings.config.Entrypoint) ?? [];
      return noted(`${instruction.kind} ${quotedList(args)}`, settings);
    }
  }
}
