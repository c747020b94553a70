"""The error that a user can mend: one line that says what is wrong and what to do."""


class UserError(ValueError):
    """Raised for a user's mistake (a missing file, a wrong shape, an empty split); programs exit with code 2."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.splitlines()))  # what it quotes of a file may hold any character
