import { Argument, type Command } from 'commander';
import { performed } from '../flows/performed';
import { shells } from './script';

const help = `
bash:  echo 'source <(kflow completion bash)' >> ~/.bashrc
zsh:   echo 'source <(kflow completion zsh)' >> ~/.zshrc    (after compinit)
fish:  kflow completion fish > ~/.config/fish/completions/kflow.fish`;

/** `kflow completion`, and the hidden command that its scripts call. */
export function addCompletionCommands(program: Command): void {
  program.commandsGroup('The command line:');
  program
    .command('completion')
    .description('print a script by which a shell completes commands, options, flows and functions')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText('after', help)
    .action((shell) =>
      performed(async () => {
        process.stdout.write((await import('./script.js')).completionScript(shell));
        return 0;
      }),
    );

  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action((words) => performed(async () => (await import('./complete.js')).complete(program, words)));
}
