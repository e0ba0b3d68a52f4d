/** Shells that `kflow completion` writes a script for. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Each script calls `kflow __complete` with the words up to the cursor; without candidates, the shell completes files. */
const scripts: { readonly [shell in Shell]: string } = {
  bash: `# kflow: completion for bash; source <(kflow completion bash)
_kflow() {
  local IFS=$'\\n'
  COMPREPLY=($("$1" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
  if [[ "\${COMPREPLY[0]-}" == *= ]]; then compopt -o nospace; fi
}
complete -o default -F _kflow kflow
`,
  zsh: `#compdef kflow
# kflow: completion for zsh; source <(kflow completion zsh), after compinit
_kflow() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,$CURRENT]}" 2>/dev/null | sed 's/:/\\\\:/g; s/\\t/:/')}")
  if [[ -n "\${found[1]}" ]]; then _describe kflow found; else _files; fi
}
compdef _kflow kflow
`,
  fish: `# kflow: completion for fish; kflow completion fish | source
function __kflow_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] __complete -- $words[2..] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c kflow -f -a '(__kflow_complete)'
`,
};

/** The script that makes a shell complete commands, options and the names of flows. */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}
