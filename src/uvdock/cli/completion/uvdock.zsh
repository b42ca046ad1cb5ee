#compdef @PROGRAMS@
# Completion of uvdock's tasks, options and services for zsh.
#   eval "$(uvdock completion zsh)"

_uvdock() {
    local program=${words[1]} line
    local -a found
    # The uvdock beside the program that was typed: .venv/bin/inv has .venv/bin/uvdock.
    program=${program%"${program##*/}"}uvdock
    for line in "${(@f)$("$program" __complete zsh "${(@)words[1,CURRENT]}" 2>/dev/null)}"; do
        [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( $#found )); then
        _describe uvdock found
    else
        _files
    fi
}

if [[ ${funcstack[1]-} == _uvdock ]]; then
    _uvdock "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef _uvdock @PROGRAMS@
fi
