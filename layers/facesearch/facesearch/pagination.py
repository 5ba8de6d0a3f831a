"""The pagination model: pages from 1, `currentPage` 0 of 0 where nothing was found."""
