"""How many searches a second a deployment takes, what breaks first, and what moves it: `make capacity`.

Limits of AWS come from limits.toml (`limits`), those of a deployment from template.yaml and samconfig.toml
(`deployment`), times and units of one search from `make cost` (`figures`). `model` divides the ones by the others,
`crowd` says what the first minutes of a crowd ask for, and `checks` has a simulation (`simulation`) contradict both.
"""
