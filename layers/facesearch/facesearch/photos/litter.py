"""What systems, network drives and programs leave among the pictures: thumbnails, previews, recycle bins, snapshots.

They look like photos, but to upload a folder is to mean none of them: somebody deleted what is in a recycle bin.
They are known by name alone, and only by names that nobody gives to a folder of photos.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import pairwise

_THUMBNAILS = (
    "@eaDir",  # Synology: thumbnails and metadata of each file
    "SYNOFILE_THUMB_*",
    "SYNOPHOTO_THUMB_*",
    ".@__thumb",  # QNAP
    "@__thumb",
    ".wdmc",  # WD My Cloud
    ".thumbnails",  # Linux, Android
    ".xvpics",
    "__MACOSX",  # what macOS packs beside each file of a ZIP
    ".AppleDouble",
    "._*",  # the same as a file: a picture's name without its picture
    "THMBNL",  # Sony cameras: stills of videos
    "*.THM",  # Canon, GoPro, DJI and others: a still of a video
    "*.SCR",  # DJI: the same, larger
    "Thumbs.db",  # Windows
    "ehthumbs.db",
    "*.lrdata",  # Lightroom: previews
    "*.lrprev",
    "*.cot",  # Capture One: thumbnails and previews, in a folder beside the pictures
    "*.cop",
    ".photostructure",
)
_EARLIER = (
    "#recycle",  # Synology
    "@Recycle",  # QNAP, ASUSTOR
    ".recycle",  # Samba
    ".Recycle.Bin",  # Unraid
    "trashbox",  # Buffalo
    "$RECYCLE.BIN",  # Windows
    "RECYCLER",
    "RECYCLED",
    ".Trash",
    ".Trash-*",  # Linux: with a user's number
    ".Trashes",  # macOS
    "Network Trash Folder",
    ".trashed-*",  # Android: a deleted picture, until it is removed
    ".dtrash",  # digiKam
    "files_trashbin",  # Nextcloud, ownCloud
    "files_versions",
    ".stversions",  # Syncthing
    ".dropbox.cache",
    "#snapshot",  # Synology
    "@Recently-Snapshot",  # QNAP
    ".snapshot",
    ".snapshots",
    "~snapshot",
    ".picasaoriginals",  # Picasa: a picture as it was before it was edited; the edited one lies beside it
    "[Originals]",  # ACDSee: the same
)
_SYSTEM = (
    "@tmp",
    "@sharebin",
    "System Volume Information",
    ".Spotlight-V100",
    ".fseventsd",
    ".DocumentRevisions-V100",
    ".TemporaryItems",
    ".DS_Store",
    "desktop.ini",
    "Picasa.ini",
    ".picasa.ini",
)
_PATTERNS = {name.lower(): name for name in (*_THUMBNAILS, *_EARLIER, *_SYSTEM)}
_LIBRARIES = (".photoslibrary", ".photolibrary", ".aplibrary")
"""Of macOS: folders that look like files, with the photographer's own files in two folders and a dozen of its own."""
_IN_LIBRARIES = ("originals", "masters")
_WILD = {lowered: name for lowered, name in _PATTERNS.items() if "*" in lowered}


def litter_in(path: Sequence[str]) -> str | None:
    """Which name makes a file litter: that of a folder that it is in, or its own.

    Args:
        path: names from the outermost folder to the file, in any case.
    """
    lowered = [part.lower() for part in path]
    for library, part in pairwise(lowered):
        if library.endswith(_LIBRARIES) and part not in _IN_LIBRARIES:
            return "*.photoslibrary"
    return next((name for part in lowered if (name := _litter(part))), None)


def _litter(part: str) -> str | None:
    # "[Originals]" is no pattern: that is why exact names come first and only those with a star are matched.
    return _PATTERNS.get(part) or next((name for wild, name in _WILD.items() if fnmatchcase(part, wild)), None)
