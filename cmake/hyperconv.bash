# Completes hyperconv's commands and options, as its own --help lists them.

_hyperconv_commands() {
  "$1" --help 2>/dev/null | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z-]*\) .*/\1/p'
}

_hyperconv_options() {
  "$@" --help 2>/dev/null | sed -n '/^Options:/,$p' | grep -oE '(^| |,)--?[a-z][a-z-]*' | tr -d ' ,'
}

_hyperconv() {
  local word=${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_hyperconv_commands "$1") --help --version" -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_hyperconv_options "$1" "${COMP_WORDS[1]}")" -- "$word")
  fi
}

complete -o default -F _hyperconv hyperconv
