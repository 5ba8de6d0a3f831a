"""SQS behind the ports: messages hold ids alone."""
