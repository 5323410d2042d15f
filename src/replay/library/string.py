# What the replay knows of `string` beyond its constants.
def capwords(text, sep=None):
    return (sep or " ").join([word.capitalize() for word in text.split(sep)])


class Template:
    def __init__(self, template):
        self.template = template

    def _filled(self, values, strict):
        made = ""
        at = 0
        text = self.template
        while at < len(text):
            if text[at] != "$":
                made += text[at]
                at += 1
                continue
            if text[at : at + 2] == "$$":
                made += "$"
                at += 2
                continue
            braced = text[at + 1 : at + 2] == "{"
            start = at + 2 if braced else at + 1
            end = start
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
            name = text[start:end]
            if not name or braced and text[end : end + 1] != "}":
                if strict:
                    raise ValueError("Invalid placeholder in string")
                made += "$"
                at += 1
                continue
            end = end + 1 if braced else end
            if name in values:
                made += str(values[name])
            elif strict:
                raise KeyError(name)
            else:
                made += text[at:end]
            at = end
        return made

    def substitute(self, mapping=None, **values):
        return self._filled({**(mapping or {}), **values}, True)

    def safe_substitute(self, mapping=None, **values):
        return self._filled({**(mapping or {}), **values}, False)
