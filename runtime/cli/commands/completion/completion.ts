import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { argumentList, choiceArgument } from '../../frame/values';
import { completionScript, shells } from './script';

export const completion = defineCommand({
  name: 'completion',
  summary: 'print a completion script for a shell',
  details: `bash:  echo 'source <(kflow completion bash)' >> ~/.bashrc
zsh:   echo 'source <(kflow completion zsh)' >> ~/.zshrc    (after compinit)
fish:  kflow completion fish > ~/.config/fish/completions/kflow.fish`,
  arguments: { shell: choiceArgument(shells, { description: 'shell' }) },
  async run({ shell }) {
    process.stdout.write(completionScript(shell));
    return ExitStatus.Done;
  },
});

/** Called by the scripts: prints a line for each candidate, with a tab before its description. */
export const complete = defineCommand({
  name: '__complete',
  summary: 'print the candidates for the last word',
  isHidden: true,
  arguments: { words: argumentList({ parse: String }) },
  async run({ words }, { groups }) {
    const { candidates } = await import('./candidates.js');
    const { ControllerNames } = await import('./controller-names.js');
    for (const { value, description } of await candidates(groups, words, new ControllerNames())) {
      process.stdout.write(description === undefined ? `${value}\n` : `${value}\t${description}\n`);
    }
    return ExitStatus.Done;
  },
});
