"""The form of POST …/watch: that of a search, with what the person agrees to."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from facesearch.api.requests import DIGITS_ALONE
from facesearch.api.selfie_form import SelfieForm
from facesearch.errors import ConsentNeeded, InvalidRequest
from facesearch.validation import flatten
from facesearch.webhooks.jobs import WATCH_DAYS

CONSENT = "watch_consent"
AGREED = "true"


class WatchFields(BaseModel):
    """The form's fields that are about the watch; `watch_consent` is looked at by itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    days: Annotated[int, Field(ge=1, le=WATCH_DAYS), DIGITS_ALONE] = WATCH_DAYS


def days_agreed_to(form: SelfieForm) -> int:
    """For how many days the person agrees to be watched for.

    Raises:
        InvalidRequest, TooLarge: something else is wrong with the form.
        ConsentNeeded: the person does not agree.
    """
    if form.problem is not None:
        raise form.problem
    if form.fields.get(CONSENT) != AGREED:
        agreed = "the person agrees that the service keeps an embedding of the face while it watches"
        raise ConsentNeeded(f"body.{CONSENT}: must be {AGREED}: {agreed}.")
    try:
        return WatchFields.model_validate(dict(form.fields)).days
    except ValidationError as error:
        raise InvalidRequest("; ".join(flatten("body", error))) from None
