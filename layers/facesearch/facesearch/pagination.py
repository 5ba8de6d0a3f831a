"""The pagination model: pages from 1, `currentPage` 0 of 0 where nothing was found."""

from dataclasses import dataclass

from facesearch.responses import PaginationInfo


@dataclass(frozen=True)
class Page:
    """The page that a caller asks for: `number` from 1, `size` photos."""

    number: int
    size: int

    @property
    def start(self) -> int:
        """Position of the page's first photo among all, from 0."""
        return (self.number - 1) * self.size

    @property
    def stop(self) -> int:
        """Position behind the page's last photo."""
        return self.start + self.size


def paginate(page: Page, total: int) -> PaginationInfo:
    """Describe `page` of `total` results."""
    pages = -(-total // page.size)
    return PaginationInfo(
        total=total,
        current_page=page.number if total else 0,
        total_pages=pages,
        has_next_page=page.number < pages,
        has_previous_page=total > 0 and page.number > 1,
        page_size=page.size,
    )
