"""Why somebody is not let in, or not now. Each has its status in `app/api/errors.py`; the modules that raise them load at first use."""


class NotSignedIn(PermissionError):
    """Nobody said who calls, or what they said is not (or no longer) good."""


class BadToken(NotSignedIn):
    """A token that is not the provider's, is not for us, or is over; the message says which."""


class NotAdmitted(PermissionError):
    """The provider knows them, and they have no role here; or a page that is not ours wrote in their name."""


class SignInFailed(PermissionError):
    """The way back from the provider does not belong to a sign-in of this browser, or the provider said no."""


class ProviderUnavailable(RuntimeError):
    """The identity provider cannot be asked, or answers what it should not; nobody can be recognised meanwhile."""
