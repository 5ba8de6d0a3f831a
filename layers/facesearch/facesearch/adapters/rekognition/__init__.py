"""Face sets that Amazon Rekognition keeps: it finds and compares the faces, one collection an event."""
