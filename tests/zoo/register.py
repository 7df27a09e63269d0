"""The list of wrong GD-Units, each with the check that must name its fault."""

WRONG: list[tuple[type, str]] = []


def caught_by(name: str):
    """Register the class below with the name of the first check that must fail."""

    def register(fault: type) -> type:
        WRONG.append((fault, name))
        return fault

    return register
