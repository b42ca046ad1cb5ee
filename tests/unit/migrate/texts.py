"""Generated texts that know whose each of their words is.

What stands between ``‹`` and ``›`` in a template here is no affair of pip's, and has to stay as it is written; each ``@`` in
it becomes a word of its own, so that none is taken for another. Everything else is pip's, and may go or change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import strategies as st


@dataclass(frozen=True)
class Text:
    """A text, the parts of it that have to stay in order, and those that pip is given."""

    text: str
    kept: tuple[str, ...]
    given: tuple[str, ...]

    @classmethod
    def of(cls, template: str) -> Text:
        numbers = iter(range(10**6))
        text = re.sub("@", lambda _: f"own{next(numbers)}n", template)
        kept, given = re.findall("‹([^‹›]*)›", text), re.findall("«([^«»]*)»", text)
        return cls(re.sub("[‹›«»]", "", text), tuple(kept), tuple(given))

    def lost(self, made: str) -> str:
        """The first part that has to stay and is not in ``made``, or not in its place."""
        at = 0
        for part in self.kept:
            found = made.find(part, at)
            if found < 0:
                return part
            at = found + len(part)
        return next((part for part in self.given if part not in made), "")


#: What is no affair of pip's, and fits where a command does.
THEIRS = [
    "‹apt-get install -y @ \\\n    @›", "‹echo @ 'pip install @'›", '‹echo "pip install $@ @"›', "‹printf @ pip install @›",
    "‹@ $'pip install\\n@ it\\'s' @›", "‹@=(pip install @)›", "‹@+=(@ $(@) 'pip install')›", "‹[[ $@ =~ ^(pip install|@)$ ]]›",
    "‹[[ pip == @* && -n $@ ]]›", "‹[[ $@ =~ @ ]]›", "‹(( @ << 2 ))›", "‹(( @ = 1 << @ ))›", "‹@ $(( @ << 2 ))›", "‹@ $((@<<@))›",
    "‹diff <(echo pip @) <(@ | @)›", "‹@ > >(tee @)›", '‹@ $(@ "$(@ \'@\')" @)›', "‹@ `@ @` @›", '‹@ "$(@ "`@`")"›', "‹@=pip›",
    "‹export @=/opt/@ @=pip›", "‹@ > @ 2>&1›", "‹@ < @ | @ 2>@ |& @›", "‹@ \\\n    @ \\\n  @›", "‹@ ${@:-pip install @}›", "‹@ 'pip install @›\n‹@'›",
    "‹ssh @ 'pip install @'›", '‹@ "pip install $(@ @)"›', "‹cat requirements.txt @›", "‹rm -rf @ /@›", "‹cd /@›", "‹sed -i s/@/pip/ @›",
    "‹@ pip install @›", "‹@ {pip,@} [pip]*@ ~/@›", "‹@ \"pip install \\\" @\" 'pip install \\' @›", "‹@ pip\\ install\\ @›", "‹{ @; @; }›",
    "‹(@ && @)›", "‹if @; then @; elif @; then @; else @; fi›", "‹while @; do @; done›", "‹for @ in pip @; do @ $@; done›", "‹until @; do @; done›",
    "‹case @ in pip) @ ;; (@ | 'pip install') @ ;; *) @ ;; esac›", "‹@() { @; }›", "‹function @ { @ pip; }›", "‹for (( @ = 0; @ << 1; @++ )); do @; done›",
    "‹! @›", "‹time @›", "‹@ &› ‹@›", "‹uv pip install @›", "‹@ #@ pip#@›", "‹@ <<< 'pip install @'›", "‹@ <<< pip @›", "‹select @ in pip @; do @; done›",
    "‹coproc @›", "‹@[0]=pip @=@›", "‹@ ${#@} ${@##pip} ${@/pip/@} ${@^^}›", "‹trap 'pip install @' EXIT›", "‹let '@=1<<2'›", "‹@ $[ @ << 2 ]›",
    '‹eval "pip install @"›', "‹@ <(cat <(pip install @)) @›", "‹@ \"${@:-\"pip install @\"}\"›", "‹@ {@}>&1 @>&-›", "‹@ $\"pip install @\"›",
]  # fmt: skip
#: The same with here-documents: a line ends after them.
DOCUMENTS = [
    "‹cat <<X\npip install @\nX›", "‹cat > @ <<'X'\npip install @ $(pip install @) '\nX›", "‹cat <<-X | @\n\tpip install @\n\tX›", '‹@ <<"X Y" @\npip install @ "\nX Y›',
    "‹@ <<X <<'Y'\npip install @\nX\n`pip install @\nY›", "‹@=$(cat <<X\npip install @\nX\n)›", "‹python - <<\\X\nimport @\npip install -r requirements.txt\nX›",
    "‹cat <<X\n$(pip install @) \\$@ ${@}\nX›", "‹@ <<X && @\nX @\npip install\nX›", "‹cat <<'X' > @; @\n#!/bin/sh\npip install -r requirements.txt\n@\nX›",
    "‹if @; then cat <<X; fi\npip install @\nX›", "‹@() {\ncat <<X\npip install @ }\nX\n}›", "‹cat <<X\n(( @ << 2 ))\nX›", "‹cat <<X\n@ <<Y\nX›",
    "‹case @ in\n@) cat <<X ;;\npip install ) @ ;; esac\nX\nesac›", "‹bash <<X\npip install @\nX›", "‹(cat <<X\npip install @ )\nX\n)›",
]  # fmt: skip
PROGRAMS = [
    "pip", "pip3", "python -m pip", "python3.13 -m pip", "/opt/venv/bin/pip", "venv/bin/pip", "$VENV/bin/pip", "sudo pip",
    "PIP_NO_CACHE_DIR=1 pip", "pip --no-cache-dir", "~/.local/bin/pip", "xargs pip", "sudo -u app pip"
]  # fmt: skip
ARGUMENTS = [
    "-r requirements.txt", "-r requirements-dev.txt", "-r requirements/base.txt", "-r requirements/${ENV}.txt", "-r nowhere.txt",
    "-rrequirements.txt", "--requirement=requirements.txt", "-U pip", "pip setuptools wheel", "«@»", "«'@>=3'»", "«@[a,b]~=1.0» «@»", "-e .",
    ".", ".[dev]", "--no-deps", "--user", "--target «/@» «@»", "«@» --prefix=«/@»", "--no-cache-dir", "-q", "«$(cat @)»", "«\"@ @\"»", "«@==$@»",
    "--require-hashes", "--only-binary=:all:", "--no-binary flask", "-i https://index.example/simple", "--unknown", "«$@»",
    "--find-links=/wheels --no-index", "/wheels/*", "-c requirements.txt", "--pre", "--group dev", "-", "--", "\"a b\"", "\\\n    «@»", "\\\n    -q",
    "«git+https://git.example/@»", "-e «git+https://git.example/@#egg=@»", "«https://files.example/@.whl»",
]  # fmt: skip
#: What is pip's, or is by its side.
OTHERS = [
    "python -m venv /opt/venv", "virtualenv venv", "rm -rf /root/.cache", "rm -rf /root/.cache ‹/@›", "rm requirements.txt ‹@›",
    ". /opt/venv/bin/activate", "source venv/bin/activate", "curl https://files.example/get-pip.py | python3", "python get-pip.py",
    "‹sed -i s/@/b/ requirements.txt›", "‹echo @ >> requirements.txt›", "test -f requirements.txt", "pip freeze > frozen.txt",
    "python setup.py develop", "pip-compile requirements.in", "pip-sync", "pip install -r requirements.txt ‹> @›", "pip install «@» ‹2> @›",
    "pip install -r requirements.txt", "pip install -r requirements.txt", "pip install -U pip", "pip install «@»", "pip cache purge", "‹@=1› pip install -r requirements.txt", "‹@='a b'› PIP_NO_CACHE_DIR=1 pip3 install «@»",
    "pip wheel -r requirements.txt -w /wheels", "‹bin/install.sh›", "rm requirements.txt get-pip.py", "pip install -U pip || true", "poetry install",
    "pip uninstall -y «@»", "pip uninstall -y flask && ‹@›", "! pip check", "deactivate", "pip install -U pip «@»", "pip install «@» pip «@»",
    "pip install \\\n    -r requirements.txt \\\n    «@»", "pip list ‹| @›", "‹@ |› xargs pip install", "yes | pip uninstall «@»",
]  # fmt: skip
#: The same with here-documents.
READING = [
    "pip install -U pip <<X\n‹pip install @ )›\nX", "pip install -r requirements.txt <<X ‹&& @›\n‹@›\nX", "python get-pip.py <<'X' && ‹@›\n‹@›\nX",
    "pip uninstall -y «@» <<-X\n\t‹@›\n\tX", "pip cache purge && ‹@ <<X›; pip cache purge\n‹@›\nX", "pip install -U pip && pip cache purge <<X\n‹@›\nX",
]  # fmt: skip
#: Where a command is in another.
AROUND = [
    "‹if @; then› {} ; ‹fi›", "if {} ; ‹then @; else @; fi›", "‹@() {{› {} ; ‹@›; ‹}}›", "‹case $@ in @)› {} ‹;; pip) @ ;; esac›", "‹for @ in @ pip; do› {} ; ‹done›",
    "‹while› {} ; ‹do @; done›", "({} ; ‹@)›", "‹{{› {} ; ‹@›; ‹}}›", "‹(@ && (›{}‹))›", "{} ‹|| @›", "‹@ ||› {}", "{} ‹| @›", "{} ‹& @›", "time {}", "! {}",
    "if [ -f requirements.txt ]; then {}; fi", "‹function @ {{›\n    {}\n    ‹@\n}}›", "‹if @; then\n    @›\n    {}\n‹else›\n    {}\n    ‹@\nfi›", "(‹@›; {})",
    "‹if @; then› {} ; ‹elif› {} ; ‹then @; fi›", "‹case @ in\n    @)›\n        {}\n        ‹;;\n    *) @ ;;\nesac›", "‹@ && {{› {} ; ‹}} > @›", "({}) ‹> @›",
    "‹until› {} ; ‹do sleep @; done›", "‹@() (› {} ‹)›", "‹[[ -n $@ ]]› && {} ‹|| (( @ << 1 ))›", "{} && ‹(( @ ))› || {}", "{}; ‹@() {{ @; }}›; {}", "‹@() {{ local @=pip; }}›; {}",
]  # fmt: skip
#: What a shell reads that is a word.
SCRIPTS = ["‹bash -c '›{}‹' @›", '‹sh -c "›{}‹"›', "‹sudo bash -lc '›{}‹'›", "‹su @ -c '›{}‹'›"]
JOINTS = [" && ", " && \\\n    ", " \\\n    && ", "; ", " || ", " | ", " & "]
COMMENTED = [" \\\n    ‹# @›\n    && ", " && \\\n‹# pip install @›\n    ", " \\\n\n  ‹#@›\n    ‹# @›\n && "]


def _fill(template: str, inside: str) -> str:
    """A text with another at each of its places; braces of its own are doubled, as for `format`."""
    return template.format(*[inside] * template.count("{}"))


theirs = st.sampled_from(THEIRS)
calls = st.builds(
    lambda program, words: f"{program} {words}",
    st.sampled_from(PROGRAMS),
    st.one_of(
        st.lists(st.sampled_from(ARGUMENTS), max_size=4, unique=True).map(lambda words: " ".join(["install", *words])),
        st.lists(st.sampled_from(ARGUMENTS), max_size=4, unique=True).map(lambda words: " ".join(["install", *words])),
        st.sampled_from(
            ["", "list", "list ‹| @›", "uninstall -y «@» «@»", "wheel -r requirements.txt", "download «@»", "show «@»"]
        ),
    ),
)
simple = st.one_of(calls, st.sampled_from(OTHERS), theirs)
scripted = st.builds(
    lambda template, inside: _fill(template, re.sub("['\"]", "", inside)), st.sampled_from(SCRIPTS), simple
)
# What is deferred is named in a report by its name, and not by all that it is made of.
command = st.deferred(
    lambda: st.recursive(
        st.one_of(simple, simple, scripted),
        lambda inner: st.builds(_fill, st.sampled_from(AROUND), inner),
        max_leaves=3,
    )
)


def joined(commands: st.SearchStrategy[str], joints: list[str]) -> st.SearchStrategy[str]:
    """Commands one after the other."""
    return st.builds(
        lambda first, rest: first + "".join(joint + text for joint, text in rest),
        commands,
        st.lists(st.tuples(st.sampled_from(joints), commands), max_size=3),
    )


def lines(commands: st.SearchStrategy[str], documents: list[str]) -> st.SearchStrategy[str]:
    """A script: what may stand on lines of its own."""
    own = st.sampled_from(["‹# @›", "‹# pip install @›", "", "    ‹# @ '›", *documents])
    behind = st.sampled_from(["", "", " ‹# @›", ' ‹# pip install @ "›'])
    line = st.builds(lambda text, comment: text + comment, joined(commands, JOINTS), behind)
    return st.lists(st.one_of(line, line, own), max_size=6).map("\n".join)


#: Commands on one line, or on continued ones; in a Dockerfile, with comments between them; and scripts.
texts, built, scripts = (
    joined(command, JOINTS),
    joined(command, [*JOINTS, *COMMENTED]),
    lines(command, [*DOCUMENTS, *READING]),
)
#: The same of nothing that pip has a part in.
others = st.one_of(lines(theirs, DOCUMENTS), joined(theirs, JOINTS))
