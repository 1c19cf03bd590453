"""The files in examples/, with their addresses exchanged for ones that are free here and nothing else changed."""

from .case import ROOT


def example(name, exchange):
    """The text of an example with each text of `exchange` replaced; every one of them must be in it."""
    text = (ROOT / "examples" / name).read_text()
    for old, new in {'"./tandem.sock"': '"@socket@"', **exchange}.items():
        assert old in text, f"{old} is not in {name}"
        text = text.replace(old, new)
    return text
