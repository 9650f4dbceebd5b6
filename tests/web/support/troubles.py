"""What goes wrong in a browser without anybody seeing it, and which of it a test of a bad day expects.

A trouble is one line of text, such as

    console error: Failed to load resource: the server responded with a status of 503 () [http://127.0.0.1:8080/ready]
    page error: TypeError: party is undefined [at show (http://127.0.0.1:8080/app/views/party.js:12:3)]
    request failed: GET http://127.0.0.1:8080/api/ping: net::ERR_CONNECTION_REFUSED
    foreign request: GET https://elsewhere.example/font.woff2

A request that the page itself gave up (net::ERR_ABORTED: a navigation, an AbortController) is none.
"""

import re

# What Chromium says of an instance that does not listen, hangs up, or is behind a network that is away: once as a
# failed request and once on the console.
UNREACHABLE = r"net::ERR_(CONNECTION_\w+|EMPTY_RESPONSE|INTERNET_DISCONNECTED|NETWORK_CHANGED|SOCKET_NOT_CONNECTED)"
# What it prints of a live connection that could not be opened, or broke.
SOCKET_FAILED = r"WebSocket connection to '[^']*' failed"


def answered(status: int) -> str:
    """What Chromium prints of a request that was answered with that status."""
    return rf"the server responded with a status of {status}\b"


class Troubles:
    """All troubles of one phone, those apart that its test has named."""

    def __init__(self) -> None:
        self._met: list[str] = []
        self._hoped_for: dict[str, bool] = {}
        self._tolerated: list[str] = []

    def add(self, trouble: str) -> None:
        named = False
        for pattern in self._hoped_for:
            if re.search(pattern, trouble):
                self._hoped_for[pattern] = named = True
        if not named and not any(re.search(pattern, trouble) for pattern in self._tolerated):
            self._met.append(trouble)

    def expect(self, *patterns: str) -> None:
        """From now on these may be met, and each must be by the end of the test."""
        for pattern in patterns:
            self._hoped_for.setdefault(pattern, False)

    def tolerate(self, *patterns: str) -> None:
        self._tolerated += patterns

    def tolerate_no_more(self, *patterns: str) -> None:
        for pattern in patterns:
            self._tolerated.remove(pattern)

    def take(self) -> list[str]:
        """What was met and not named, in its order; it is forgotten then."""
        met, self._met = self._met, []
        return met

    def unmet_expectations(self) -> list[str]:
        """The patterns of `expect` that nothing was like."""
        return [pattern for pattern, is_met in self._hoped_for.items() if not is_met]
