import { readFileSync } from 'node:fs';

/** How a container of the image starts, in the words of the OCI image configuration. */
export interface ImageConfig {
  readonly User: string;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly Env: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
}

/**
 * The configuration that the last stage of a Dockerfile states with ARG, ENV, WORKDIR, USER, EXPOSE, LABEL and CMD; the Dockerfile is its only place.
 * `args` override ARG. Throws at an instruction that it does not know, so that both ways to build stay the same.
 */
export function readImageConfig(dockerfile: string, args: Readonly<Record<string, string>>): ImageConfig {
  const text = readFileSync(dockerfile, 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')) + 1);
  const values = new Map<string, string>();
  const config = { User: '', ExposedPorts: {}, Env: [] as string[], Cmd: [] as string[], WorkingDir: '/', Labels: {} };
  for (const line of last) {
    const [, instruction = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    const value = rest.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => values.get(name) ?? '').trim();
    if (instruction === 'ARG') {
      const [name = '', preset = ''] = value.split('=');
      values.set(name, args[name] ?? preset);
    } else if (instruction === 'ENV') config.Env.push(...pairs(value).map(([name, each]) => `${name}=${each}`));
    else if (instruction === 'LABEL') Object.assign(config.Labels, Object.fromEntries(pairs(value)));
    else if (instruction === 'WORKDIR') config.WorkingDir = value;
    else if (instruction === 'USER') config.User = value;
    else if (instruction === 'EXPOSE')
      for (const port of value.split(' ')) Object.assign(config.ExposedPorts, { [`${port}/tcp`]: {} });
    else if (instruction === 'CMD') config.Cmd = JSON.parse(value);
    else if (instruction !== 'COPY')
      throw new Error(`${dockerfile}: ${instruction} in the last stage, which npm run image does not know`);
  }
  return config;
}

function pairs(text: string): [string, string][] {
  return [...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S+))/g)].map(([, name = '', quoted, bare]) => [
    name,
    quoted ?? bare ?? '',
  ]);
}
