"""CloudFront behind the ports."""
