"""The embedded engine: YuNet and SFace through OpenCV."""
