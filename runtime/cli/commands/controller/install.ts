import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { installOptions } from './install-options';

export const install = defineCommand({
  name: 'install',
  summary: 'print the manifests of a controller for a cluster',
  details: 'Apply the manifests with kubectl, or keep them in git.',
  options: installOptions,
  async run(options) {
    const { renderInstall } = await import('./install-manifests.js');
    process.stdout.write(renderInstall(options));
    return ExitStatus.Done;
  },
});
