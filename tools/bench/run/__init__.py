"""`make bench`: every request by stage, beside its baseline, in one run."""
