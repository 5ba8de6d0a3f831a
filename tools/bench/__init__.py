"""What measures: accuracy, the index, costs, cold starts."""

import os

os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # read when cv2 is imported; it warns on loading any model
