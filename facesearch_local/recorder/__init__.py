"""The folder that a recorded run puts on its workers' PYTHONPATH; see `sitecustomize`."""
