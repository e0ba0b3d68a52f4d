import { defineCommand } from '../../frame/command';
import { controllerDetails, flowOptions } from '../../frame/shared-options';
import { names, option, text } from '../../frame/values';

const { output, url, token, ca } = flowOptions;

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'check this machine, the servers and the rights that flows need',
  details: `With --config, the servers and rights of that controller are checked; without,
those of the stack that kflow up started in this folder or in a parent folder.
In a cluster: kubectl exec deploy/kflow-controller -n kflow -- \\
  kflow doctor --config /etc/kflow/config/controller.yaml

${controllerDetails}`,
  options: {
    config: option('<file>', 'settings of a controller; KFLOW_CONTROLLER_… variables override them', { parse: text }),
    namespaces: option('<a,b>', 'check the right to manage Secrets in these namespaces too', { parse: names }),
    output,
    url,
    token,
    ca,
  },
  async run(options) {
    return (await import('./run-doctor.js')).runDoctor(options);
  },
});
