"""The operator's command line, `facesearch`."""
