# What the replay knows of `types`.
class SimpleNamespace:
    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)

    def __eq__(self, other):
        return isinstance(other, SimpleNamespace) and vars(self) == vars(other)

    def __repr__(self):
        return "namespace(" + ", ".join(name + "=" + repr(value) for name, value in vars(self).items()) + ")"


def MappingProxyType(mapping):
    return dict(mapping)
