"""What systems, network drives and programs leave among the pictures: thumbnails, previews, recycle bins, snapshots.

They look like photos, but to upload a folder is to mean none of them: somebody deleted what is in a recycle bin.
They are known by name alone, and only by names that nobody gives to a folder of photos.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import pairwise

_LEFT_BY = {
    "Synology": ("@eaDir", "SYNOFILE_THUMB_*", "SYNOPHOTO_THUMB_*", "#recycle", "#snapshot", "@tmp", "@sharebin"),
    "QNAP, ASUSTOR": (".@__thumb", "@__thumb", "@Recycle", "@Recently-Snapshot"),
    "WD My Cloud": (".wdmc",),
    "Samba": (".recycle",),
    "Unraid": (".Recycle.Bin",),
    "Buffalo": ("trashbox",),
    "file servers' snapshots": (".snapshot", ".snapshots", "~snapshot"),
    "Nextcloud, ownCloud": ("files_trashbin", "files_versions"),
    "Syncthing": (".stversions",),
    "Dropbox": (".dropbox.cache",),
    "Linux": (".thumbnails", ".xvpics", ".Trash", ".Trash-*"),  # the last: with a user's number
    "Android": (".thumbnails", ".trashed-*"),  # the last: a deleted picture, until it is removed
    "Windows": ("Thumbs.db", "ehthumbs.db", "desktop.ini"),
    "Windows on each drive": ("$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information"),
    "macOS": (".DS_Store", ".Trashes", "Network Trash Folder"),
    "macOS on each drive": (".Spotlight-V100", ".fseventsd", ".TemporaryItems", ".DocumentRevisions-V100"),
    "macOS beside each file": ("__MACOSX", ".AppleDouble", "._*"),  # the last: a picture's name without its picture
    "cameras' stills of videos": ("THMBNL", "*.THM", "*.SCR"),  # Sony; Canon, GoPro, DJI and others; DJI's larger one
    "Lightroom's previews": ("*.lrdata", "*.lrprev"),
    "Capture One's previews": ("*.cot", "*.cop"),  # in a folder beside the pictures
    "PhotoStructure": (".photostructure",),
    "digiKam": (".dtrash",),
    "Picasa": (".picasaoriginals", "Picasa.ini", ".picasa.ini"),  # the first: as it was before it was edited
    "ACDSee": ("[Originals]",),  # the same
}
_NAMES = {name.lower(): name for names in _LEFT_BY.values() for name in names}
_LIBRARIES = (".photoslibrary", ".photolibrary", ".aplibrary")
"""Of macOS: folders that look like files, with the photographer's own files in two folders and a dozen of its own."""
_IN_LIBRARIES = ("originals", "masters")


def litter_in(path: Sequence[str]) -> str | None:
    """Which name makes a file litter: that of a folder that it is in, or its own. `path` begins outermost."""
    lowered = [part.lower() for part in path]
    for library, part in pairwise(lowered):
        if library.endswith(_LIBRARIES) and part not in _IN_LIBRARIES:
            return "*.photoslibrary"
    return next((name for part in lowered if (name := _litter(part))), None)


def _litter(part: str) -> str | None:
    # "[Originals]" is no pattern: that is why exact names come first and only those with a star are matched.
    wild = (name for lowered, name in _NAMES.items() if "*" in lowered and fnmatchcase(part, lowered))
    return _NAMES.get(part) or next(wild, None)
