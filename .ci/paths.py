#!/usr/bin/env python3
"""Each public name has one path. Prints the names that have two, and then fails.

The paths are read from what rustdoc makes of the crate with all features: the
items and the re-exports that each module's page lists, from the crate's page on.
Two paths are the same name if their pages show the same lines of source, or if
they pass on the same item of another crate. With `--list` it prints every name."""

import html
import os
import pathlib
import posixpath
import re
import subprocess
import sys
import tempfile

SECTION = re.compile(r'<h2 id="([\w-]+)" class="section-header">(.*?)(?=<h2 id=|</section>)', re.DOTALL)
ITEM = re.compile(r'<dt><a class="(\w+)" href="([^"]+)" title="[^"]*">(.*?)</a>', re.DOTALL)
PASSED_ON = re.compile(r'<dt(?: id="reexport\.[^"]*")?><code>pub use (.*?);</code>', re.DOTALL)
LINK = re.compile(r'<a class="(\w+)" href="([^"]+)"[^>]*>([^<]*)</a>(?! ?::)')
SOURCE = re.compile(r'<a class="src[^"]*" href="(?:\.\./)*(src/[^"]+)">Source</a>')


def plain(text):
    """The text of a piece of a page."""
    return html.unescape(re.sub(r"<[^>]*>", "", text)).strip()


class Pages:
    """What rustdoc has written for one crate."""

    def __init__(self, docs, crate):
        self.docs, self.names, self.told = docs, {}, set()
        self.module(f"{crate}/index.html", (crate,))

    def text(self, page):
        return (self.docs / page).read_text()

    def module(self, page, path):
        """Takes in all that the page of a module lists."""
        self.told.add(page)
        for section, body in SECTION.findall(self.text(page)):
            if section == "reexports":
                for passed_on in PASSED_ON.findall(body):
                    self.passed_on(page, path, passed_on)
            for kind, link, name in ITEM.findall(body) if section != "reexports" else []:
                target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
                self.add(target, path + (plain(name),), kind)

    def passed_on(self, page, path, code):
        """Takes in one line `pub use ..`: `code` is its right side."""
        written, _, alias = plain(code).partition(" as ")
        assert not written.endswith("*"), f"{'::'.join(path)} passes on {written}, which hides names"
        name = alias or written.split("::")[-1]
        links = [(kind, link) for kind, link, text in LINK.findall(code) if text == written.split("::")[-1]]
        inside = [(kind, link) for kind, link in links if "://" not in link]
        if inside:
            kind, link = inside[-1]
            self.add(posixpath.normpath(posixpath.join(posixpath.dirname(page), link)), path + (name,), kind)
        else:
            self.names.setdefault(("another crate", written), []).append("::".join(path + (name,)))

    def add(self, page, path, kind):
        """Takes in one path to the item that has this page."""
        source = SOURCE.search(self.text(page))
        assert source, f"{page} is of another crate: pass on the crate itself"
        # A file with one macro call may make several items.
        self.names.setdefault((source[1], kind, page.rsplit(".", 2)[-2]), []).append("::".join(path))
        if kind == "mod" and page not in self.told:
            self.module(page, path)

    def twice(self):
        """The paths of each name that has more than one."""
        return sorted(sorted(paths) for paths in self.names.values() if len(paths) > 1)


def check_itself():
    """Plants names that have two paths, and names that have one, in a crate of
    its own."""
    clean = """
        //! [`Named`] and [`open::Other`].
        mod hidden { pub mod deep { pub struct Named; pub fn call() {} } }
        pub mod open { pub struct Other; pub trait Named2 { fn call(); } pub mod inner { pub enum Other { A } } }
        pub use hidden::deep::{Named, call};
        pub use core as other;
    """
    planted = [
        ("pub use open::Other;", ["planted::Other", "planted::open::Other"]),
        ("#[doc(inline)] pub use open::Other;", ["planted::Other", "planted::open::Other"]),
        ("pub use open::Other as Another;", ["planted::Another", "planted::open::Other"]),
        ("pub mod more { pub use super::Named; }", ["planted::Named", "planted::more::Named"]),
        ("pub mod more { pub use crate::hidden::deep::Named; }", ["planted::Named", "planted::more::Named"]),
        ("pub mod more { pub use crate::hidden::deep::call; }", ["planted::call", "planted::more::call"]),
        ("pub use open::inner;", ["planted::inner", "planted::open::inner"]),
        ("pub mod more { pub use core; }", ["planted::more::core", "planted::other"]),
    ]
    for code, wanted in [("", None), *planted]:
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "planted.rs")
            source.write_text(clean + code)
            subprocess.run(["rustdoc", "--edition", "2024", "-o", folder, source], check=True)
            pages = Pages(pathlib.Path(folder), "planted")
            assert pages.twice() == ([wanted] if wanted else []), (code, pages.twice())
            paths = {path for paths in pages.names.values() for path in paths}
            assert code or {"planted::Named", "planted::open::Other", "planted::open::inner::Other"} <= paths, paths


def main():
    check_itself()
    os.chdir(pathlib.Path(__file__).parent.parent)
    subprocess.run(["cargo", "doc", "--locked", "--no-deps", "--all-features", "-q"], check=True)
    pages = Pages(pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"), "doc"), "longlink")
    if "--list" in sys.argv:
        print("\n".join(sorted("  ".join(sorted(paths)) for paths in pages.names.values())))
    twice = pages.twice()
    for paths in twice:
        print(" = ".join(paths))
    print(f"{len(pages.names)} public names, {len(twice)} of them with two paths")
    sys.exit(bool(twice))


if __name__ == "__main__":
    main()
