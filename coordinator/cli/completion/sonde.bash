# bash completion for sonde(1): verbs, options and, where a coordinator answers, site names.
_sonde() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word verb='' i
  local verbs
  verbs=$(sonde --help 2>/dev/null | sed -n '/^Subcommands:/,$ s/^  \([a-z]*\) .*/\1/p')
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ " ${verbs//$'\n'/ } " == *" $word "* ]]; then verb=$word && break; fi
  done
  case $prev in
    --format) COMPREPLY=($(compgen -W 'table json csv markdown html' -- "$cur")) && return ;;
    --probe) COMPREPLY=($(compgen -W 'latency connect throughput' -- "$cur")) && return ;;
    --stat) COMPREPLY=($(compgen -W 'p5 p25 p50 p75 p95 p99 mean min max stddev last ewma hmean' -- "$cur")) && return ;;
    --config | --gantt | --output | -o | --since | --until) COMPREPLY=($(compgen -f -- "$cur")) && return ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$(sonde $verb --help 2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u)" -- "$cur"))
  elif [[ -z $verb ]]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
  elif [[ $verb == link || $verb == explain || $verb == series || $verb == histogram || $verb == profile || $verb == probe || $prev == --from || $prev == --to || $prev == --site ]]; then
    COMPREPLY=($(compgen -W "$(timeout 1 sonde --format csv sites 2>/dev/null | sed 1d | cut -d, -f1)" -- "$cur"))
  fi
}
complete -F _sonde sonde
