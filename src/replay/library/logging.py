# What the replay knows of `logging`: that nothing comes of it.
DEBUG, INFO, WARNING, ERROR, CRITICAL = 10, 20, 30, 40, 50


class Logger:
    def __init__(self, name):
        self.name = name

    def debug(self, message, *args, **options):
        pass

    def info(self, message, *args, **options):
        pass

    def warning(self, message, *args, **options):
        pass

    def error(self, message, *args, **options):
        pass

    def exception(self, message, *args, **options):
        pass

    def critical(self, message, *args, **options):
        pass

    def setLevel(self, level):
        pass


def getLogger(name=None):
    return Logger(name)


def basicConfig(**options):
    pass
