"""The face index measured beside the machine it runs on: `python -m tools.bench.index [SIZES]`.

For every size an event of made-up faces is built, saved to the store's S3 and to a file, given a tail of a page in
DynamoDB (`making`), and loaded and searched in a fresh process (`measuring`). Every time is a median, and every limit
is a ratio to what the machine does with the same number of bytes, measured in turns with it: times alone say little
about another machine (`report`).
"""
