"""The technologies behind the ports: one folder each. Only `bootstrap` imports them."""
