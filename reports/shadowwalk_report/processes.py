"""What processes that help with a report do about signals."""

import signal


def leave_signals_to_the_parent():
    """The parent ends its children, and cleans up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
