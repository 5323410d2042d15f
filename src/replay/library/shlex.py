# What the replay knows of `shlex`.
def split(text, comments=False):
    if "\\" in text or comments:
        __unknown__()
    words = []
    word = None
    quote = None
    for c in text:
        if quote is not None:
            if c == quote:
                quote = None
            else:
                word += c
        elif c in "'\"":
            quote = c
            word = word or ""
        elif c in " \t\n":
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + c
    if quote is not None:
        raise ValueError("No closing quotation")
    if word is not None:
        words.append(word)
    return words


def quote(text):
    if text and all(c.isalnum() or c in "@%_-+=:,./" for c in text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def join(words):
    return " ".join([quote(word) for word in words])
