"""The one error that a user can mend: what is wrong, what is allowed, and a hint."""


class UserError(ValueError):
    """Something that the user gave is wrong.

    The message names the place and the value (`... (got X)`) and what is allowed; `hint` is the next step.
    Everything else that goes wrong is ours and stays an assertion or the library's own exception.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        """Message and, on a line of its own, the hint."""
        message = super().__str__()
        return f"{message}\n\nhint: {self.hint}" if self.hint else message
