"""S3 behind the ports."""
