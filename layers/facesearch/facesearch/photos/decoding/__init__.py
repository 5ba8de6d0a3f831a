"""What is done with a picture's file before a decoder sees it: each format's structure, read far enough to bound what
decoding it costs."""
