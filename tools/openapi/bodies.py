"""What bodies look like to a code generator, where the model that reads one says it in a way that none understands."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, RootModel

from facesearch.bibs.rules import BIB_PATTERN
from facesearch.photos.links import MAX_IDENTIFIER, MAX_IMAGE_IDS
from facesearch.validation import UUID_PATTERN

_Text = Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER)]


class OriginalsOfSelfie(BaseModel):
    """The originals of a finished search."""

    method: Literal["selfie"]
    identifier: Annotated[str, Field(pattern=UUID_PATTERN, description="The search's `request_id`.")]


class OriginalOfImage(BaseModel):
    """The original of one photo."""

    method: Literal["image_id"]
    identifier: Annotated[_Text, Field(description="Its `image_id`.")]


class OriginalsOfImages(BaseModel):
    """The originals of some photos."""

    method: Literal["image_ids"]
    identifier: Annotated[
        list[Annotated[str, Field(max_length=MAX_IDENTIFIER)]],
        Field(min_length=1, max_length=MAX_IMAGE_IDS, description="Each one's `image_id`."),
    ]


class OriginalsOfBib(BaseModel):
    """The originals of the photos that show a race bib."""

    method: Literal["bib"]
    identifier: Annotated[str, Field(pattern=BIB_PATTERN, description="The bib, in upper or lower case.")]


class OriginalsRequest(
    RootModel[
        Annotated[
            OriginalsOfSelfie | OriginalOfImage | OriginalsOfImages | OriginalsOfBib, Field(discriminator="method")
        ]
    ]
):
    """Whose originals are wanted; `method` says what `identifier` is."""
