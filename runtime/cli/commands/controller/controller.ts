import { defineCommand } from '../../frame/command';
import { option, port, text } from '../../frame/values';

export const controller = defineCommand({
  name: 'controller',
  summary: 'run the controller: the REST API and the worker of all flows',
  details: 'Runs until SIGTERM or Ctrl-C. Settings: docs/controller.md.',
  options: {
    config: option('<file>', 'settings (YAML or JSON); KFLOW_CONTROLLER_… variables override them', { parse: text }),
    port: option('<port>', 'port of the API; overrides the settings', { parse: port }),
  },
  async run(options, context) {
    return (await import('./run-controller.js')).runController(options, context.interrupts());
  },
});
