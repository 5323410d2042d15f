# What the replay knows of `textwrap`.
def dedent(text):
    lines = text.split("\n")
    margins = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return "\n".join([line[margin:] if line.strip() else "" for line in lines])


def indent(text, prefix, predicate=None):
    made = []
    for line in text.splitlines(True):
        wanted = predicate(line) if predicate is not None else line.strip()
        made.append(prefix + line if wanted else line)
    return "".join(made)


def wrap(text, width=70):
    lines = []
    line = ""
    for word in text.split():
        if len(word) > width or "-" in word:
            __unknown__()
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = line + " " + word if line else word
    if line:
        lines.append(line)
    return lines


def fill(text, width=70):
    return "\n".join(wrap(text, width))


def shorten(text, width, placeholder=" [...]"):
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    kept = ""
    for word in text.split():
        longer = kept + " " + word if kept else word
        if len(longer) + len(placeholder) > width:
            break
        kept = longer
    return kept + placeholder if kept else placeholder.strip()
