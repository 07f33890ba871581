#!/usr/bin/env python3
"""The modules of src/ stand on floors: none uses one above it, and siblings
use each other in no circle. Prints what breaks that, and then fails.

An edge is a path in the code, in a `use` or inline, that leads from a module
to a sibling, or from what is inside the one to what is inside the other. A
name that a module passes on (`use y::Name`) leads to `y` as well as to the
module that passes it on. A parent and its child are no edge. Tests, comments
and strings do not count."""

import pathlib
import re
import sys
import tempfile

# From the bottom. The clock stands above the keeper, whose `Moment` it makes.
FLOORS = (
    "contain < keeper, outbox < clock < network, store < dial < transport < shared < driver < connection < testing"
)
# Folders in which circles are not looked for yet.
NOT_YET = []

NO_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\br(?P<hashes>#*)".*?"(?P=hashes)|"(?:\\.|[^"\\])*"|'(?:\\[^\n]+?|[^\\'\n])'""", re.DOTALL
)
FOR_TESTS = re.compile(r"#(!?)\[cfg\((?:test|all\((?:[^\](]*,)?\s*test\b[^\]]*)\)\]")
ITEM = re.compile(r"\b(fn|mod|impl|struct|enum|trait|type|use|let|if|macro_rules)\b")
USE = re.compile(r"\buse\s+([^;]+);")
GROUP = re.compile(r"([^{},]*)\{([^{}]*)\}")
INLINE = re.compile(r"(?<![\w:])(?:crate|super|self)\s*(?:::\s*\w+\s*)+")
CHILD = re.compile(r"\bmod\s+(\w+)\s*;")
BLOCK = re.compile(r"\bmod\s+(\w+)\s*\{")


def blank(text):
    """Spaces in place of `text`, so that what follows stays where it is."""
    return re.sub(r"[^\n]", " ", text)


def item_end(code, start):
    """Where the item, field or statement that begins at `start` ends."""
    depth = 0
    for at in range(start, len(code)):
        char = code[at]
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return at
        if depth == 0 and (char in ";}" or char == "," and not ITEM.search(code, start, at)):
            return at + 1
    return len(code)


def without_tests(code):
    """The code without what is for tests alone, and the names of the modules
    among that which are files."""
    files = set()
    while found := FOR_TESTS.search(code):
        end = len(code) if found[1] else item_end(code, found.end())
        files.update(CHILD.findall(code, found.end(), end))
        code = code[: found.start()] + blank(code[found.start() : end]) + code[end:]
    return code, files


def leaves(tree):
    """Each path of a `use` tree, with the name that it gets here."""
    while group := GROUP.search(tree):
        parts = [group[1] + part for part in group[2].split(",") if part.strip()]
        tree = tree[: group.start()] + ",".join(parts) + tree[group.end() :]
    for leaf in filter(str.strip, tree.split(",")):
        path, _, alias = " ".join(leaf.split()).partition(" as ")
        segments = re.findall(r"[\w*]+", path.removesuffix("::self"))
        yield segments, alias or segments[-1]


class Tree:
    """The modules of a folder of sources: a module is the tuple of its names,
    and the crate's root is the empty one."""

    def __init__(self, src):
        self.modules, self.imports, self.paths = {()}, {}, []
        sources, for_tests = {}, set()
        for file in sorted(src.rglob("*.rs")):
            module = file.relative_to(src).with_suffix("").parts
            module = module[:-1] if module[-1] in ("mod", "lib") else module
            code, tests = without_tests(NO_CODE.sub(lambda found: blank(found[0]), file.read_text()))
            sources[module] = (file.relative_to(src.parent), code)
            for_tests.update(module + (name,) for name in tests)
        for module, (file, code) in sources.items():
            if not any(module[:length] in for_tests for length in range(len(module) + 1)):
                self.read(module, file, code)

    def read(self, module, file, code):
        """Takes in the paths of a file, those of its inline modules apart."""
        self.modules.add(module)
        while found := BLOCK.search(code):
            end = item_end(code, found.end() - 1)
            inner = code[found.end() : end - 1]
            self.read(module + (found[1],), file, blank(code[: found.end()]) + inner)
            code = code[: found.start()] + blank(code[found.start() : end]) + code[end:]
        for found in USE.finditer(code):
            for path, name in leaves(found[1]):
                self.paths.append((module, path, f"{file}:{code[: found.start()].count(chr(10)) + 1}"))
                self.imports.setdefault(module, {})[name] = path
        for found in INLINE.finditer(USE.sub(lambda found: blank(found[0]), code)):
            path = re.findall(r"\w+", found[0])
            self.paths.append((module, path, f"{file}:{code[: found.start()].count(chr(10)) + 1}"))

    def places(self, module, path, seen=()):
        """The modules that `path`, as written in `module`, leads through:
        where it is looked up, and where it is passed on to from there."""
        rest = list(path)
        if rest[0] in ("crate", "self", "super"):
            while rest and rest[0] in ("crate", "self", "super"):
                module = {"crate": (), "self": module, "super": module[:-1]}[rest.pop(0)]
        elif module + (rest[0],) not in self.modules and rest[0] not in self.imports.get(module, {}):
            return []  # of another crate
        while rest and module + (rest[0],) in self.modules:
            module += (rest.pop(0),)
        found = [module]
        # No name is followed twice: `use one::one` means a crate.
        if rest and rest[0] in self.imports.get(module, {}) and (module, rest[0]) not in seen:
            found += self.places(module, self.imports[module][rest[0]] + rest[1:], seen + ((module, rest[0]),))
        return found

    def edges(self):
        """For each folder, which of its modules uses which, and where."""
        folders = {}
        for module, path, where in self.paths:
            for place in self.places(module, path):
                length = next((at for at, (a, b) in enumerate(zip(module, place)) if a != b), None)
                if length is not None:
                    edge = (module[length], place[length])
                    folders.setdefault(module[:length], {}).setdefault(edge, set()).add(where)
        return folders


def problems(src, floors, not_yet):
    """All that is wrong with the sources, a line each."""
    floor_of = {name: floor for floor, names in enumerate(floors.split(" < ")) for name in names.split(", ")}
    tree = Tree(src)
    rooted = {module[0] for module in tree.modules if module}
    told = [f"{name} has no floor" for name in sorted(rooted - floor_of.keys())]
    told += [f"`*` hides what {'::'.join(module)} passes on" for module, names in tree.imports.items() if "*" in names]
    for folder, edges in sorted(tree.edges().items()):
        uses = {}
        for user, used in edges:
            uses.setdefault(user, set()).add(used)
        for (user, used), lines in sorted(edges.items()):
            where = f"{'::'.join(folder) or 'the root'}: {user} -> {used} ({', '.join(sorted(lines))})"
            if not folder and floor_of.get(user, 0) < floor_of.get(used, 0):
                told.append(f"an arrow up in {where}")
            reached, new = set(), {used}
            while new:
                reached |= new
                new = {further for name in new for further in uses.get(name, ())} - reached
            if user in reached and folder[:1] not in [(name,) for name in not_yet]:
                told.append(f"a circle in {where}")
    return told


def check_itself():
    """Plants what must be found, and what must not, in a tree of its own."""
    clean = {
        "lib.rs": "mod low;\nmod high;\npub use high::Named;",
        "low.rs": "mod a;\nmod b;\nmod c;\npub use {b::Second, c::Third};\npub struct Own;\n#[cfg(test)]\nmod tests;",
        "low/a.rs": "use super::Own;\n// crate::high\nconst A: &str = \"crate::high::X\";\nconst B: char = '\"';",
        "low/b.rs": "use super::{Own, a::{self, First}};\n#[cfg(test)]\nmod tests { use crate::high::Named; }",
        "low/c.rs": "use super::b;\n#[cfg(all(test, unix))]\nuse crate::high::Named;\npub struct Third;",
        "low/tests.rs": "use crate::high::Named;",
        "high/mod.rs": "mod inner;\nuse crate::low::Own;\npub struct Named;",
        "high/inner.rs": "mod deep { use super::super::Named; }",
    }
    arrows = ["use crate::high::Named;", "use crate::{low::Own, high::{inner, Named as _}};", "use crate::Named;"]
    arrows += ["fn f() -> crate::high::Named {}", "mod m { use super::super::super::high::inner::X; }"]
    circles = ["use super::b::X;", "use crate::low::{Own, b};", "use super::Second;", "use super::Third as _;"]
    circles += ["fn f<'a>(x: &'a str) { super::b::g() }"]
    planted = [("", None)] + [(code, "an arrow up in the root: low -> high") for code in arrows]
    planted += [(code, "a circle in low: a -> ") for code in circles]
    for code, wanted in planted:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (clean | {"low/a.rs": f"{clean['low/a.rs']}\n{code}"}).items():
                file = pathlib.Path(folder, "src", name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            told = problems(pathlib.Path(folder, "src"), "low < high", [])
            assert any(one.startswith(wanted) for one in told) if wanted else not told, (code, told)
            assert problems(pathlib.Path(folder, "src"), "low", [])[0] == "high has no floor"


if __name__ == "__main__":
    check_itself()
    found = problems(pathlib.Path(__file__).parent.parent / "src", FLOORS, NOT_YET)
    print("\n".join(found) or "no circle and no arrow up")
    sys.exit(bool(found))
