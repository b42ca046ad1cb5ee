# Completion of uvdock's tasks, options and services for bash, from 3.2 on.
#   eval "$(uvdock completion bash)"

_uvdock() {
    local line program=${COMP_WORDS[0]}
    # The uvdock beside the program that was typed: .venv/bin/inv has .venv/bin/uvdock.
    program=${program%"${program##*/}"}uvdock
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <("$program" __complete bash "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
}

# Where nothing is found, bash completes files.
complete -o default -F _uvdock @PROGRAMS@
