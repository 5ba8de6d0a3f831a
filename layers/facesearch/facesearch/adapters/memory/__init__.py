"""Every port in memory, for tests and experiments; they pass the same contract tests as the real ones."""
