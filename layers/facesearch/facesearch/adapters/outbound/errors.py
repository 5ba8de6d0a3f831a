"""How a call to somebody else's address ends when it does not end well. The reasons are safe to show: they never quote
a URL, a host or what was answered, other than its status."""
