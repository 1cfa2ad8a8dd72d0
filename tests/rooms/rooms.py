#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rooms of the sources, the floors they stand on, and what they include of each other.

  rooms.py            fails on an arrow that does not point down, and on a picture that does not agree with the includes
  rooms.py --numbers  also prints floors, arrows, the classes with the most members and the longest files
  rooms.py --write    first puts what the includes say into the picture

The picture is the block after "```floors" in plugin/DESIGN.md: a line for each room, "floor room: what it includes". Floors are
chosen by hand. A room includes files of lower floors and its own, nothing else. Nothing includes the roof.
"""
import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Rooms that are not folders of plugin/.
OTHERS = {"host": "host-sdk/host", "loader": "host-sdk/loader", "check": "host-sdk/tools/check"}
BLOCK = re.compile(r"(?<=^```floors\n).*?(?=^```$)", re.M | re.S)
LINE = re.compile(r" *(\d+)  (\w+): *(.*)")


def sources(folder):
    return sorted(file for file in folder.iterdir() if file.suffix in (".h", ".hpp", ".cpp", ".c"))


def rooms_of(root):
    """Each room's files."""
    folders = {folder.name: folder for folder in (root / "plugin").iterdir() if folder.is_dir()}
    folders.update((room, root / folder) for room, folder in OTHERS.items())
    return {room: files for room, files in ((room, sources(folder)) for room, folder in folders.items()) if files}


def includes_of(rooms):
    """(room, room that it includes, file, what it includes), for each include of another room's file."""
    found = []
    for room, files in rooms.items():
        for file in files:
            for path in re.findall(r'^#include "([^"]+)"', file.read_text(), re.M):
                other = path.split("/")[0]
                if other in rooms and other != room:
                    found.append((room, other, file, path))
    return found


def read_picture(text):
    """The floor of each room, and what the picture says that it includes."""
    block = BLOCK.search(text)
    if block is None:
        sys.exit("rooms.py: no block ```floors in the picture's file")
    lines = [LINE.fullmatch(line) for line in block[0].splitlines()]
    if None in lines:
        sys.exit(f"rooms.py: line {lines.index(None) + 1} of the picture is not 'floor room: what it includes'")
    return ({line[2]: int(line[1]) for line in lines},
            {line[2]: sorted(filter(None, line[3].split(", "))) for line in lines})


def drawn(rooms, includes, floors):
    used = {room: sorted({other for one, other, _, _ in includes if one == room}) for room in rooms}
    width = max(map(len, rooms))
    order = sorted(rooms, key=lambda room: (-floors[room], room))
    return "".join(f"{floors[room]}  {room}:{' ' * (width - len(room))} {', '.join(used[room])}".rstrip() + "\n" for room in order)


def is_data(declaration):
    """Whether a declaration, with {} for what is in braces, is one of a data member."""
    text = re.sub(r"\b(public|protected|private):|\[\[\w+\]\]", "", declaration)
    text = re.sub(r"=.*|\{\}.*", "", text, flags=re.S)
    while text != (shorter := re.sub(r"<[^<>]*>", "", text)):
        text = shorter
    return ("(" not in text and len(text.split()) > 1 and
            not re.match(r"\s*(using|typedef|friend|static|constexpr|enum|template|class|struct|union)\b", text))


def declarations_of(body):
    """What is declared in a class's body, inner braces left empty."""
    depth, current = 0, ""
    for letter in body:
        depth -= letter == "}"
        if depth == 0:
            current += letter
        depth += letter == "{"
        # A function's body ends its declaration, an initializer does not.
        if depth == 0 and (letter == ";" or (letter == "}" and re.search(r"\)[^;=]*\{\}$", current))):
            yield current.rstrip(";")
            current = ""


def classes_of(file):
    """Each class: its name, its data members, its bases."""
    text = re.sub(r"(?<=\d)'(?=\d)", "", file.read_text())
    text = re.sub(r"//[^\n]*|\"(\\.|[^\"\\\n])*\"|'(\\.|[^'\\\n])+'|^\s*#[^\n]*", "", text, flags=re.M)
    for head in re.finditer(r"(?<!enum )\b(?:class|struct) (?:alignas\(\d+\) )?([\w:]+)(?: final)?(?: : ([^{;]*))?\s*\{", text):
        depth, end = 1, head.end()
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield head[1], sum(map(is_data, declarations_of(text[head.end():end - 1]))), len(head[2].split(",")) if head[2] else 0


def print_numbers(rooms, includes, floors):
    upward = [(room, other, file, path) for room, other, file, path in includes if floors[other] >= floors[room]]
    print(f"{len(rooms)} rooms on {len(set(floors.values()))} floors, {len({i[:2] for i in includes})} arrows of {len(includes)} includes, "
          f"{len({i[:2] for i in upward})} arrows of {len(upward)} includes that do not point down")
    files = [file for room in rooms.values() for file in room]
    known = [(members, bases, name, file) for file in files for name, members, bases in classes_of(file)]
    print("\nmembers  bases  class")
    for members, bases, name, file in sorted(known, key=lambda one: (-one[0], one[2]))[:12]:
        print(f"{members:7}  {bases:5}  {name} ({file.relative_to(file.parent.parent)})")
    print("\nlines  file")
    lines = [(len(file.read_text().splitlines()), file) for file in files]
    for count, file in sorted(lines, key=lambda one: (-one[0], one[1]))[:12]:
        print(f"{count:5}  {file.relative_to(file.parent.parent)}")
    print(f"{sum(count for count, _ in lines):5}  all {len(lines)} files\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout")
    parser.add_argument("--picture", type=Path, help="another file with the picture")
    options = parser.parse_args()
    picture = options.picture or options.root / "plugin/DESIGN.md"
    text = picture.read_text()
    floors, told = read_picture(text)
    rooms = rooms_of(options.root)
    if missing := set(rooms) ^ set(floors):
        sys.exit(f"rooms.py: {picture}: in the picture or among the folders, not in both: {', '.join(sorted(missing))}")
    includes = includes_of(rooms)
    if options.write:
        picture.write_text(BLOCK.sub(lambda _: drawn(rooms, includes, floors), text))
        _, told = read_picture(picture.read_text())
    if options.numbers:
        print_numbers(rooms, includes, floors)
    problems = [f"{file}: includes {path}: {room} stands on floor {floors[room]}, {other} on {floors[other]}"
                for room, other, file, path in includes if floors[other] >= floors[room]]
    for room in rooms:
        found = sorted({other for one, other, _, _ in includes if one == room})
        if found != told[room]:
            problems.append(f"{picture}: {room} includes {', '.join(found) or 'nothing'}, the picture says "
                            f"{', '.join(told[room]) or 'nothing'}; tests/rooms/rooms.py --write mends that")
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
