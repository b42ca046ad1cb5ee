# Completion of uvdock's tasks, options and services for fish.
#   uvdock completion fish | source

function __uvdock_found
    set -l words (commandline -opc)
    # The uvdock beside the program that was typed: .venv/bin/inv has .venv/bin/uvdock.
    set -l program (string replace -r '[^/]*$' uvdock -- $words[1])
    set -g __uvdock_lines ($program __complete fish $words (commandline -ct) 2>/dev/null)
    test (count $__uvdock_lines) -gt 0
end

# Where nothing is found, fish completes files.
for program in @PROGRAMS@
    complete -c $program -n __uvdock_found -f -k -a '$__uvdock_lines'
end
