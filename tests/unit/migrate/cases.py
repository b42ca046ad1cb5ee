"""One small case for every form of pip in a shell text: what stands there, and what is to stand there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from uvdock.formats.shell.words import Dialect
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.discover.options import DEFAULT_INDEX

SCRIPT = ExecutionContext(Path("x"))
CI = ExecutionContext(Path("x"), "ci")
MAKE = ExecutionContext(Path("x"), dialect=Dialect(make=True))
#: The interpreter of the image python.
BUILD = ExecutionContext(
    Path("x"),
    "build",
    environment="/usr/local",
    project_environment="/usr/local",
    user_environment="/root/.local",
    dialect=Dialect(docker=True),
)
VENV = ExecutionContext(
    Path("x"),
    "build",
    environment="/opt/venv",
    project_environment="/opt/venv",
    dialect=Dialect(docker=True),
)


@dataclass(frozen=True)
class Case:
    """One case; ``after`` is ``None`` where the text stays, and ``told`` is the start of each finding."""

    place: ExecutionContext
    before: str
    after: str | None
    told: tuple[str, ...] = ()


LIST = "pip install -r requirements.txt"
CASES = [
    Case(SCRIPT, "pip install -U pip # why\nx", "# why\nx"),
    Case(SCRIPT, "x\npip install -U pip\n# why\npip install -U pip", "x\n# why\n"),
    Case(SCRIPT, "pip install -r requirements.txt", "uv sync --locked --no-dev"),
    Case(SCRIPT, "pip3 install -r requirements.txt -r requirements-dev.txt", "uv sync --locked"),
    Case(
        SCRIPT,
        "pip install -r requirements/base.txt -r requirements/local.txt",
        "uv sync --locked --no-dev --group local",
    ),
    Case(SCRIPT, "cd app && pip install -r ../requirements.txt", "cd app && uv sync --project .. --locked --no-dev"),
    Case(
        SCRIPT,
        "pip install -r requirements.txt && python manage.py migrate",
        "uv sync --locked --no-dev && python manage.py migrate",
    ),
    Case(SCRIPT, "pip install -r requirements.txt > log.txt 2>&1", "uv sync --locked --no-dev > log.txt 2>&1"),
    Case(
        SCRIPT,
        "pip install > log.txt -r requirements.txt",
        None,
        ("left: a redirection in the middle of a pip command",),
    ),
    Case(SCRIPT, "pip --no-cache-dir install -r requirements.txt", "uv sync --locked --no-dev"),
    Case(SCRIPT, "pip --quiet install flask", "uv pip install --quiet flask", ("note: flask: not in the lock",)),
    Case(SCRIPT, "python -m pip install --upgrade pip", ""),
    Case(SCRIPT, "pip install wheel -r requirements.txt", "uv sync --locked --no-dev"),
    Case(SCRIPT, "pip install pip==25.0 setuptools", "", ("note: setuptools is no longer installed",)),
    Case(SCRIPT, "pip install --no-binary=:all: -r requirements.txt", "uv sync --locked --no-dev --no-binary"),
    Case(
        SCRIPT,
        "pip install --only-binary flask,gunicorn -r requirements.txt",
        "uv sync --locked --no-dev --no-build-package flask --no-build-package gunicorn",
    ),
    Case(
        SCRIPT,
        "pip install --only-binary :all: flask",
        "uv pip install --only-binary :all: flask",
        ("note: flask: not in the lock",),
    ),
    Case(SCRIPT, "pip install --require-hashes -r requirements.txt", "uv sync --locked --no-dev"),
    Case(
        SCRIPT,
        "pip install --no-deps -r requirements.txt",
        "uv sync --locked --no-dev",
        ("note: removed --no-deps: the lock has what the file had and its dependencies",),
    ),
    Case(SCRIPT, "pip install --pre -r requirements.txt", "uv sync --locked --no-dev"),
    Case(
        SCRIPT,
        "pip install --index-url https://index.example/simple -r requirements.txt",
        None,
        ("left: an index that is not in the requirements files",),
    ),
    Case(SCRIPT, f"pip install -i {DEFAULT_INDEX} -r requirements.txt", "uv sync --locked --no-dev"),
    Case(
        SCRIPT,
        "pip install --extra-index-url https://index.example/simple flask",
        "uv pip install --index https://index.example/simple flask",
        ("note: flask: not in the lock",),
    ),
    Case(
        SCRIPT,
        "pip install --find-links wheels -r requirements.txt",
        None,
        ("left: the lock says where packages come from, not --find-links",),
    ),
    Case(
        SCRIPT,
        "pip install -c constraints.txt -r requirements.txt",
        "uv sync --locked --no-dev",
        ("note: constraints.txt limits the versions here and in no requirements file",),
    ),
    Case(
        SCRIPT,
        "PIP_CONSTRAINT=c.txt pip install -r requirements.txt",
        None,
        ("left: uv ignores PIP_CONSTRAINT",),
    ),
    Case(
        SCRIPT,
        "PIP_INDEX_URL=$(cat /run/secrets/i) pip install -r requirements.txt",
        None,
        ("left: uv ignores PIP_INDEX_URL",),
    ),
    Case(SCRIPT, "pip install -e .", "uv sync --locked --no-dev"),
    Case(SCRIPT, "pip install .", "uv sync --locked --no-dev"),
    Case(SCRIPT, 'pip install ".[dev,test]"', "uv sync --locked --no-dev --extra dev --extra test"),
    Case(
        SCRIPT,
        "pip install -e git+https://git.example/x.git#egg=x",
        "uv pip install --editable git+https://git.example/x.git#egg=x",
        ("note: git+https://git.example/x.git#egg=x: not in the lock",),
    ),
    Case(
        SCRIPT,
        "pip install --platform linux -r requirements.txt",
        None,
        ("left: uv has nothing like pip's --platform",),
    ),
    Case(
        SCRIPT,
        "pip install --target lib -r requirements.txt",
        "uv export --quiet --locked --no-emit-project --no-dev --output-file /tmp/requirements.lock && uv pip install --target lib --requirements /tmp/requirements.lock",
    ),
    Case(
        SCRIPT,
        "pip install -r https://x.example/requirements.txt",
        None,
        ("left: https://x.example/requirements.txt is not a requirements file of this migration",),
    ),
    Case(SCRIPT, "pip install --unknown-thing flask", None, ("left: pip has no option --unknown-thing",)),
    Case(
        SCRIPT,
        "cat requirements.txt | xargs -n 1 pip install",
        None,
        (
            "left: cat uses requirements.txt",
            "left: pip is called by xargs",
        ),
    ),
    Case(SCRIPT, "sudo pip install flask", "sudo uv pip install flask", ("note: flask: not in the lock",)),
    Case(SCRIPT, "sudo -H pip3 install -r requirements.txt", "sudo -H uv sync --locked --no-dev"),
    Case(SCRIPT, "sudo -u app pip install flask", None, ("left: pip is called by -u",)),
    Case(SCRIPT, "pip install $PACKAGES", None, ("left: $PACKAGES is only known at run time",)),
    Case(SCRIPT, 'pip install "$@"', None, ('left: "$@" is only known at run time',)),
    Case(SCRIPT, "pip uninstall -y flask", "uv pip uninstall flask"),
    Case(SCRIPT, "pip freeze > frozen.txt", "uv pip freeze > frozen.txt"),
    Case(SCRIPT, ". venv/bin/activate && pip freeze > requirements.txt", ". venv/bin/activate && uv lock"),
    Case(SCRIPT, "pip install -r requirements.txt\npip freeze > requirements.txt\n", "uv sync --locked --no-dev\n"),
    Case(SCRIPT, "pip list --outdated", "uv pip list --outdated"),
    Case(SCRIPT, "pip check", "uv pip check"),
    Case(
        SCRIPT,
        "pip config set global.index-url https://index.example/simple",
        None,
        ("left: `pip config` has no exact counterpart in uv",),
    ),
    Case(SCRIPT, "pip --version", "uv --version"),
    Case(SCRIPT, "pip download flask", None, ("left: `pip download` has no exact counterpart in uv",)),
    Case(SCRIPT, "pip cache purge", "uv cache clean"),
    Case(SCRIPT, "virtualenv -p python3.12 .venv", "uv venv --python python3.12 --allow-existing .venv"),
    Case(SCRIPT, "virtualenv --python=python3.12 .venv", "uv venv --python python3.12 --allow-existing .venv"),
    Case(SCRIPT, "python3 -m venv --system-site-packages env", "uv venv --system-site-packages --allow-existing env"),
    Case(SCRIPT, "python3.12 -m venv .venv", "uv venv --python python3.12 --allow-existing .venv"),
    Case(
        SCRIPT,
        "python -m venv .venv\nsource .venv/bin/activate\npip install -U pip\npip install -r requirements.txt\npytest",
        "uv venv --allow-existing .venv\nsource .venv/bin/activate\nuv sync --active --locked --no-dev\npytest",
    ),
    Case(
        SCRIPT,
        "if [ ! -d .venv ]; then\n  python3 -m venv .venv\nfi\n.venv/bin/pip install -r requirements.txt",
        "if [ ! -d .venv ]; then\n  uv venv --allow-existing .venv\nfi\nuv sync --locked --no-dev",
    ),
    Case(SCRIPT, "pip-compile requirements.in", "uv lock"),
    Case(SCRIPT, "pip-compile --upgrade --generate-hashes requirements.in", "uv lock --upgrade"),
    Case(SCRIPT, "pip-compile -P flask requirements.in", "uv lock --upgrade-package flask"),
    Case(SCRIPT, "pip-sync requirements.txt requirements-dev.txt", "uv sync --locked"),
    Case(
        SCRIPT,
        "pip --python python3.12 install -r requirements.txt",
        None,
        ("left: uvdock cannot tell which environment python3.12 has",),
    ),
    Case(SCRIPT, "pip install --target lib --prefix /p flask", None, ("left: both --target and --prefix",)),
    Case(
        SCRIPT,
        "pip install -c https://x.example/c.txt -r requirements.txt",
        None,
        ("left: the constraints in https://x.example/c.txt are not in the repo",),
    ),
    Case(
        SCRIPT,
        "pip install -t lib -r requirements.txt flask",
        "uv export --quiet --locked --no-emit-project --no-dev --output-file /tmp/requirements.lock && uv pip install --target lib --requirements /tmp/requirements.lock && uv pip install --target lib flask",
        ("note: flask is not in the lock",),
    ),
    Case(SCRIPT, "pip install --group docs:x", None, ("left: the dependency group docs:x of an unknown project",)),
    Case(SCRIPT, "pip install -e lib", None, ("left: lib is no project that is known",)),
    Case(SCRIPT, "pip install ./dist/x.whl", None, ("left: ./dist/x.whl is not in the repo",)),
    Case(SCRIPT, "pip install ./lib", None, ("left: ./lib is no project that is known",)),
    Case(SCRIPT, "pip install -r nowhere/$X.txt", None, ("left: which file nowhere/$X.txt is depends on a variable",)),
    Case(SCRIPT, "pip install -U", None, ("left: this installs nothing by name",)),
    Case(
        SCRIPT,
        "python -m venv $(pwd)/venv",
        None,
        ("left: the folder of this virtual environment is only known at run time",),
    ),
    Case(SCRIPT, "python -m venv --weird venv", None, ("left: `--weird` of venv has no counterpart in uv",)),
    Case(SCRIPT, "python -m piptools compile requirements.in", "uv lock"),
    Case(SCRIPT, "python -I -m pip install -r requirements.txt", "uv sync --locked --no-dev"),
    Case(SCRIPT, "python setup.py install --user", None, ("left: `setup.py install` with options",)),
    Case(SCRIPT, "python setup.py test", None),
    Case(
        SCRIPT,
        ". venv/bin/activate\ndeactivate\npip install -r requirements.txt",
        ". venv/bin/activate\ndeactivate\nuv sync --locked --no-dev",
    ),
    Case(
        SCRIPT,
        "[ venv -ot requirements.txt ] && pip install -r requirements.txt",
        "[ venv -ot uv.lock ] && uv sync --locked --no-dev",
    ),
    Case(
        SCRIPT,
        "export PIP_INDEX_URL=https://index.example/simple\npip install flask",
        "export UV_DEFAULT_INDEX=https://index.example/simple\nuv pip install flask",
        ("note: flask: not in the lock",),
    ),
    Case(SCRIPT, "curl https://x.example/get-pip.py | tee get-pip.py", None),
    Case(
        SCRIPT,
        "pip install 'a",
        None,
        ("left: a shell text with pip that cannot be read: a quote that is never closed",),
    ),
    Case(
        SCRIPT, "bash -c 'pip install -r requirements/$X.txt'", "bash -c 'uv sync --locked --no-dev --group \"${X}\"'"
    ),
    Case(BUILD, "pip install -U pip && rm -rf ~/.cache/pip /x", "rm -rf /x"),
    Case(BUILD, "rm -rf requirements app", "rm -rf app"),
    Case(BUILD, "rm -rf requirements", ""),
    Case(
        BUILD,
        "PIP_NO_BINARY=:none: pip install -r requirements.txt",
        "uv sync --locked --no-install-project --inexact --no-dev",
    ),
    Case(
        VENV,
        "python -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt && deactivate",
        "uv venv .venv && UV_PROJECT_ENVIRONMENT=.venv uv sync --locked --no-install-project --no-dev",
    ),
    Case(SCRIPT, "[ requirements.txt -nt requirements-dev.txt ] && x", "[ pyproject.toml -nt uv.lock ] && x"),
    Case(SCRIPT, "[ requirements.txt -nt .venv/stamp ] && x", "[ uv.lock -nt .venv/stamp ] && x"),
    Case(SCRIPT, "pip-sync -q requirements.txt", "uv sync --locked --no-dev --quiet"),
    Case(SCRIPT, f"pip-sync --index-url {DEFAULT_INDEX} requirements.txt", "uv sync --locked --no-dev"),
    Case(SCRIPT, "pip-sync --ask requirements.txt", None, ("left: pip has no option --ask",)),
    Case(SCRIPT, "python setup.py develop", "uv sync --locked --no-dev"),
    Case(SCRIPT, "python setup.py install", "uv sync --locked --no-dev"),
    Case(SCRIPT, "python setup.py sdist", None, ("note: `setup.py sdist` needs setuptools",)),
    Case(SCRIPT, "poetry install", None, ("left: `poetry install`",)),
    Case(SCRIPT, 'echo "pip install -r requirements.txt"', None),
    Case(
        SCRIPT,
        'ssh host "pip install -r requirements.txt"',
        None,
        ("left: pip in a quoted script: pip install -r requirements.txt",),
    ),
    Case(SCRIPT, "X=$(pip freeze)", None, ("left: pip in a substitution: pip freeze",)),
    Case(SCRIPT, "which pip", None),
    Case(SCRIPT, "docker compose run web pip install -r requirements.txt", None, ("left: pip is called by docker",)),
    Case(CI, "python -m pip install --upgrade pip\npip install tox\ntox", "uv tool install tox\ntox"),
    Case(
        CI,
        "pip install -r requirements-dev.txt\npip install pytest",
        "uv sync --locked\nuv pip install pytest",
        ("note: pytest: not in the lock",),
    ),
    Case(CI, "pip install ruff black", "uv tool install ruff && uv tool install black"),
    Case(
        MAKE, "$(VENV)/bin/pip install -r requirements.txt", "UV_PROJECT_ENVIRONMENT=$(VENV) uv sync --locked --no-dev"
    ),
    Case(MAKE, "$(PIP) install -r requirements.txt", None, ("left: $(PIP) uses requirements.txt",)),
    Case(
        MAKE,
        "pip install -r requirements/$(ENV).txt",
        'uv sync --locked --no-dev --group "$(ENV)"',
    ),
    Case(
        BUILD,
        "pip install --user -r requirements.txt",
        "UV_PROJECT_ENVIRONMENT=/root/.local uv sync --locked --no-install-project --no-dev",
    ),
    Case(
        BUILD,
        "curl -sSL https://bootstrap.pypa.io/get-pip.py | python3 - && pip install -r requirements.txt",
        "uv sync --locked --no-install-project --inexact --no-dev",
    ),
    Case(BUILD, "wget https://x/get-pip.py && python3 get-pip.py && rm get-pip.py", ""),
    Case(BUILD, "python -m ensurepip --upgrade", ""),
    Case(BUILD, "pip install -U pip || true", ""),
    Case(
        BUILD,
        "set -ex; pip install -U pip; pip install -r requirements.txt; rm -rf ~/.cache/pip",
        "set -ex; uv sync --locked --no-install-project --inexact --no-dev",
    ),
    Case(
        BUILD,
        'bash -c "pip install -U pip && pip install -r requirements.txt"',
        'bash -c "uv sync --locked --no-install-project --inexact --no-dev"',
    ),
    Case(BUILD, "pip install -r requirements-${X}.txt", "uv sync --locked --no-install-project --inexact"),
    Case(
        BUILD,
        'if [ "$X" = dev ]; then pip install -r requirements-dev.txt; else pip install -r requirements.txt; fi && pip install -e .',
        'if [ "$X" = dev ]; then uv sync --locked --no-install-project --inexact; else uv sync --locked --no-install-project --inexact --no-dev; fi && uv sync --locked --inexact --no-dev',
    ),
    Case(
        BUILD,
        "pip install gunicorn && pip install -r requirements.txt",
        "uv pip install --system gunicorn && uv sync --locked --no-install-project --inexact --no-dev",
        ("note: gunicorn: not in the lock",),
    ),
    Case(
        BUILD,
        "pip install -r requirements.txt && pip freeze > /frozen",
        "uv sync --locked --no-install-project --inexact --no-dev && uv pip freeze --system > /frozen",
    ),
    Case(
        VENV,
        "pip install gunicorn && pip install -r requirements.txt",
        "uv pip install --python /opt/venv gunicorn && uv sync --locked --no-install-project --inexact --no-dev",
        ("note: gunicorn: not in the lock",),
    ),
    Case(
        VENV,
        "pip install -r requirements.txt && pip install -r requirements-dev.txt",
        "uv sync --locked --no-install-project --no-dev && uv sync --locked --no-install-project",
    ),
    Case(VENV, "pip uninstall -y pip setuptools", ""),
    Case(
        VENV,
        "pip install -r requirements.txt gunicorn \\\n    uvicorn",
        "uv sync --locked --no-install-project --no-dev \\\n    && uv pip install --python /opt/venv gunicorn uvicorn",
        ("note: gunicorn uvicorn is not in the lock",),
    ),
    Case(
        BUILD,
        "pip install \\\n    --no-cache-dir \\\n    flask \\\n    # the server\n    gunicorn",
        "uv pip install --system \\\n    flask \\\n    # the server\n    gunicorn",
        ("note: flask gunicorn: not in the lock",),
    ),
    Case(
        BUILD,
        "PIP_NO_CACHE_DIR=1 pip install flask",
        "uv pip install --system flask",
        ("note: flask: not in the lock",),
    ),
    Case(
        BUILD,
        "pip install -r requirements.txt | tee log",
        "uv sync --locked --no-install-project --inexact --no-dev | tee log",
    ),
    Case(BUILD, "pip wheel -r requirements.txt -w /w", None, ("left: uv does not build wheels from requirements",)),
    Case(BUILD, "cat requirements.txt", None, ("left: cat uses requirements.txt",)),
    Case(BUILD, "rm requirements.txt && apt-get clean", "apt-get clean"),
    Case(
        BUILD,
        "test -f requirements.txt && pip install -r requirements.txt",
        "test -f uv.lock && uv sync --locked --no-install-project --inexact --no-dev",
    ),
    Case(
        BUILD,
        "CFLAGS=-O2 PIP_DEFAULT_TIMEOUT=9 pip install -r requirements.txt",
        "CFLAGS=-O2 UV_HTTP_TIMEOUT=9 uv sync --locked --no-install-project --inexact --no-dev",
    ),
    Case(
        BUILD,
        "cd /app && pip install -r requirements.txt",
        None,
        ("left: requirements.txt is not a requirements file of this migration",),
    ),
    Case(
        BUILD,
        "apt-get update \\\n    && pip install -U pip \\\n    # now the app\n    && pip install -r requirements.txt \\\n    && rm -rf /root/.cache",
        "apt-get update \\\n    # now the app\n    && uv sync --locked --no-install-project --inexact --no-dev",
    ),
    Case(
        BUILD,
        "pip install pip-tools && pip-compile requirements.txt && pip-sync",
        "uv sync --locked --no-install-project --inexact --no-dev",
        ("note: the lock is made before the build, not in it",),
    ),
    Case(
        VENV,
        ". /opt/venv/bin/activate && pip install -r requirements.txt && python -m compileall .",
        ". /opt/venv/bin/activate && uv sync --locked --no-install-project --no-dev && python -m compileall .",
    ),
    Case(
        VENV,
        "python -m venv /opt/venv && /opt/venv/bin/pip install -r requirements.txt",
        "uv sync --locked --no-install-project --no-dev",
    ),
    Case(
        BUILD,
        "python -m venv /opt/other && /opt/other/bin/pip install -r requirements.txt",
        "uv venv /opt/other && UV_PROJECT_ENVIRONMENT=/opt/other uv sync --locked --no-install-project --no-dev",
    ),
    Case(
        BUILD,
        "sed -i 's/a/b/' requirements.txt && pip install -r requirements.txt",
        None,
        ("left: requirements.txt is changed before it is installed",),
    ),
    Case(
        BUILD,
        "pip install -r requirements/${ENV}.txt",
        'uv sync --locked --no-install-project --inexact --no-dev --group "${ENV}"',
    ),
    Case(
        BUILD,
        "pip install -r requirements/${ENV}.txt flask",
        'uv sync --locked --no-install-project --inexact --no-dev --group "${ENV}" \\\n'
        "    && uv pip install --system flask",
        ("note: flask is not in the lock",),
    ),
    Case(SCRIPT, "pip install -qr requirements.txt", "uv sync --locked --no-dev --quiet"),
    Case(SCRIPT, "pip install --requirement=requirements.txt", "uv sync --locked --no-dev"),
    Case(SCRIPT, "pip install --requir requirements.txt", None, ("left: pip has no option --requir",)),
    Case(SCRIPT, "pip install --group dev", "uv sync --locked --only-group dev"),
    Case(SCRIPT, "easy_install flask", None, ("left: `easy_install flask`",)),
    Case(
        SCRIPT,
        "python -m venv .venv\n.venv/bin/pip install -U pip\n.venv/bin/pip install -r requirements.txt",
        "uv sync --locked --no-dev",
    ),
    Case(SCRIPT, "bash -c 'pip install -r requirements.txt'", "bash -c 'uv sync --locked --no-dev'"),
    Case(
        SCRIPT,
        "cat <<EOF\npip install flask\nEOF\npip install -r requirements.txt",
        "cat <<EOF\npip install flask\nEOF\nuv sync --locked --no-dev",
        ("left: pip in a here-document: pip install",),
    ),
    Case(SCRIPT, "for one in a b; do\n  pip install -U pip\ndone", "for one in a b; do\n  :\ndone"),
    Case(SCRIPT, "install() {\n  pip3 install -r requirements.txt\n}", "install() {\n  uv sync --locked --no-dev\n}"),
    Case(SCRIPT, f"cat <<EOF\n  EOF\n{LIST}\nEOF", None, ("left: pip in a here-document: pip install",)),
    Case(SCRIPT, f"cat <<-EOF\n  EOF\n{LIST}\n\tEOF", None, ("left: pip in a here-document: pip install",)),
    Case(
        SCRIPT,
        f"{LIST}\ncat <<X\n{LIST}\n X",
        f"uv sync --locked --no-dev\ncat <<X\n{LIST}\n X",
        ("left: pip in a here-document: pip install",),
    ),
    Case(
        SCRIPT,
        f"case $1 in a) {LIST} -r requirements-dev.txt ;; (*) {LIST} ;; esac\n{LIST}",
        "case $1 in a) uv sync --locked ;; (*) uv sync --locked --inexact --no-dev ;; esac\nuv sync --locked --inexact --no-dev",
    ),
    Case(
        SCRIPT,
        f"case $1 in a) if b; then {LIST}; fi; esac; pip install -U pip; c",
        "case $1 in a) if b; then uv sync --locked --no-dev; fi; esac; c",
    ),
    Case(SCRIPT, f"[[ $a =~ ^({LIST})$ ]]", None),
    Case(SCRIPT, f"(( i << 2 ))\n{LIST}", "(( i << 2 ))\nuv sync --locked --no-dev"),
    Case(SCRIPT, f"(( $({LIST}) ))", None, ("left: pip in arithmetic: pip install",)),
    Case(SCRIPT, f"a=({LIST})", None, ("left: pip in an array: pip install",)),
    Case(SCRIPT, f"diff <({LIST}) x", None, ("left: pip in a substitution: pip install -r requirements.txt",)),
    Case(SCRIPT, f"echo $'it\\'s'\n{LIST}", "echo $'it\\'s'\nuv sync --locked --no-dev"),
    Case(SCRIPT, f'echo "$(a # it\'s\n)"\n{LIST}', 'echo "$(a # it\'s\n)"\nuv sync --locked --no-dev'),
    Case(SCRIPT, f"echo ${{x:-{{}}\n{LIST}", "echo ${x:-{}\nuv sync --locked --no-dev"),
    Case(SCRIPT, f"function f {{ {LIST}; }}", "function f { uv sync --locked --no-dev; }"),
    Case(SCRIPT, f">log {LIST}", ">log uv sync --locked --no-dev"),
    Case(SCRIPT, f"time {{ {LIST}; }}", "time { uv sync --locked --no-dev; }"),
    Case(SCRIPT, f"if [[ a ]] then {LIST}; fi", "if [[ a ]] then uv sync --locked --no-dev; fi"),
    Case(
        SCRIPT,
        "[[ -f x && -f requirements.txt ]] && pip install -r requirements.txt",
        "[[ -f x && -f uv.lock ]] && uv sync --locked --no-dev",
    ),
    Case(
        SCRIPT,
        "> requirements.txt\npip install -r requirements.txt",
        None,
        ("left: requirements.txt is changed before it is installed",),
    ),
    Case(
        SCRIPT,
        "while read -r p; do\n  echo $p\ndone < requirements.txt",
        None,
        ("left: a redirect uses requirements.txt",),
    ),
    Case(SCRIPT, "case $1 in requirements.txt) echo pip ;; esac", None),
    Case(BUILD, f"apt-get update # why \\\n    && {LIST}", None),
    Case(SCRIPT, "pip install pip_tools Pip.Tools", ""),
    Case(SCRIPT, "pip uninstall -y pip_tools pip.tools", ""),
    Case(
        SCRIPT,
        "pip install 'unclosed",
        None,
        ("left: a shell text with pip that cannot be read: a quote that is never closed",),
    ),
    # A list by a variable, and what is installed beside it.
    Case(
        SCRIPT,
        "pip install -r requirements/$ENV.txt six",
        'uv sync --locked --no-dev --group "${ENV}" && uv pip install six',
        ("note: six is not in the lock",),
    ),
    Case(
        SCRIPT,
        "pip install -r requirements/$ENV.txt -e git+https://x/y || x",
        '{ uv sync --locked --no-dev --group "${ENV}" && uv pip install --editable git+https://x/y; } || x',
        ("note: git+https://x/y is not in the lock",),
    ),
    Case(BUILD, "pip install -r requirements/$ENV.txt -e .", 'uv sync --locked --inexact --no-dev --group "${ENV}"'),
    Case(
        BUILD,
        "pip install -r requirements/$ENV.txt .[x]",
        'uv sync --locked --inexact --no-dev --group "${ENV}" --extra x',
    ),
    Case(
        BUILD,
        "pip install -r requirements/$ENV.txt --group docs",
        'uv sync --locked --no-install-project --inexact --no-dev --group "${ENV}" --group docs',
    ),
    # What is no command stays between those that go.
    Case(SCRIPT, "pip install -U pip && (( n << 1 )) && pip install wheel", "(( n << 1 ))"),
    Case(SCRIPT, "pip install -U pip; f() { :; }; pip install wheel; x", "f() { :; }; x"),
    Case(SCRIPT, "pip install -U pip; (( n )); pip install wheel; (( m )); pip install pip", "(( n )); (( m ))"),
    Case(BUILD, "pip install -U pip && (( n )) \\\n    && pip install wheel && x", "(( n )) \\\n    && x"),
    # `|| true` goes with what it is for, and only then.
    Case(SCRIPT, "pip install -U pip || true; pip install pip && pip install wheel || :; y", "y"),
    Case(SCRIPT, "x; pip install -U pip && pip install wheel || true", "x"),
    Case(SCRIPT, "x && python get-pip.py || true", "x && true || true"),
    Case(SCRIPT, "x && python get-pip.py && pip install -U pip || true", "x && true && true || true"),
    Case(SCRIPT, "x || pip install -U pip || true", "x || true || true"),
    Case(SCRIPT, "(( n )) && pip install -U pip || true", "(( n )) && true || true"),
    Case(SCRIPT, "pip install -U pip && (( n )) && pip install -U pip || true", "(( n )) && true || true"),
    Case(SCRIPT, "(x) && pip install -U pip || true", "(x) && true || true"),
    Case(SCRIPT, "x | pip install -U pip || true", "x | true || true"),
    # The text of a here-document is read by somebody, though its command goes.
    Case(SCRIPT, "pip install -U pip <<X\nrm -rf /\nX", ": <<X\nrm -rf /\nX"),
    Case(SCRIPT, "pip install -U pip <<-'X' >log && x\n\ty\n\tX", ": <<-'X' >log && x\n\ty\n\tX"),
    Case(SCRIPT, "x\npip uninstall -y pip wheel <<X || y\nyes\nX\nz", "x\n: <<X || y\nyes\nX\nz"),
    Case(SCRIPT, "pip install -U pip && pip install wheel <<X\ny\nX", ": && : <<X\ny\nX"),
    Case(SCRIPT, "a <<X; pip install -U pip\ny\nX", "a <<X\ny\nX"),
    Case(SCRIPT, "pip install -U pip <<< yes; x", "x"),
]
