import { defineCommand } from '../../frame/command';
import { acceptedChangeOptions, controllerDetails } from '../../frame/shared-options';
import { argument, flag, option, text } from '../../frame/values';

export const publish = defineCommand({
  name: 'publish',
  summary: 'publish a component as a revision',
  details: `A draft can be published again with the same tag; a released revision cannot change,
except for its documentation and test wiring.

${controllerDetails}`,
  arguments: { file: argument({ name: 'file', description: 'component: YAML or JSON; - reads stdin' }) },
  options: {
    group: option('<group>', 'name or UUID of the group (default: that of the file, else the name of the component)', {
      parse: text,
    }),
    tag: option('<tag>', 'version in the group, as in 1.0.0 (default: that of the file)', { parse: text }),
    release: flag('also release it'),
    ...acceptedChangeOptions,
  },
  async run({ file, ...options }) {
    return (await import('./publish-file.js')).publishFile(file, options);
  },
});
