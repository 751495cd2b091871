import { SCENARIO_DIRECTORY } from '../paths';
import { scenarioNames } from '../scenario/catalogue';

/** A completion script for bash; zsh reads it after `autoload bashcompinit && bashcompinit`. */
export function completionScript(verbs: readonly string[], flags: readonly string[]): string {
  const words = [...verbs, ...scenarioNames(SCENARIO_DIRECTORY), ...flags].join(' ');
  return `# bash: source <(lab completion)
_lab() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "${words}" -- "$current"))
  case "$current" in */*|.*) COMPREPLY+=($(compgen -f -- "$current")) ;; esac
}
complete -F _lab lab
`;
}
