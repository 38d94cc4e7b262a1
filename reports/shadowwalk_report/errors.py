"""What a user gets to see when the report cannot be made."""


class InputError(Exception):
    """The input is not what it should be. The message is one line: what is wrong, where, and what to do."""
