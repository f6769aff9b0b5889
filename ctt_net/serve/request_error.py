"""Refusing a request: a status, what is wrong, and what would be right (RFC 9457)."""

from http import HTTPStatus

from starlette.responses import JSONResponse

LONGEST = 500


class RequestError(Exception):
    """Raised wherever a request is refused; the client is shown the detail as it is.

    Args:
        status: HTTP status.
        detail: What is wrong and what would be right, in one sentence.
        field: Form field it is about, such as `preop_va.OD`; empty = of none.
        headers: Of the response.
    """

    def __init__(
        self, status: int, detail: str, field: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        # A value that was sent may be quoted in it, however long.
        self.detail = detail if len(detail) <= LONGEST else f"{detail[:LONGEST]} ..."
        self.field = field
        self.headers = headers or {}

    def to_dict(self) -> dict[str, str | int]:
        """Body of `application/problem+json`."""
        named = {"field": self.field} if self.field else {}
        title = HTTPStatus(self.status).phrase
        return {"title": title, "status": self.status, "detail": self.detail, **named}

    def response(self) -> JSONResponse:
        """For a program."""
        return JSONResponse(
            self.to_dict(), self.status, self.headers, media_type="application/problem+json"
        )
