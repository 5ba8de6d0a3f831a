"""YuNet by onnxruntime: one look at a picture, in half of the time that OpenCV's own engine takes (ADR 35)."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facesearch.adapters.opencv import onnx
from facesearch.adapters.opencv.detections import SCORE, Detections
from facesearch.faces.engine import RgbImage

STRIDES = (8, 16, 32)
"""Pixels of a picture between two places that a map of the network stands for. A view's sides are multiples of 32."""
SAME_FACE_IOU = 0.3
MOST_PLACES = 5_000
"""Both are the defaults of `cv2.FaceDetectorYN`, whose rows these are: the same faces in the same order, numbers within
a thousandth of a pixel."""


class YuNet:
    """Finds faces of 10 px to some 600 px. One call at a time for each object."""

    def __init__(self, model: Path, threads: int) -> None:
        """Load the network, about 20 ms, and onnxruntime, 45 ms.

        Args:
            model: YuNet 2023mar as an ONNX file.
            threads: of its own, beside OpenCV's.
        """
        import onnxruntime  # here, so that it does not hold up what is loaded before

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # it would keep a plan for every size of picture that ever came
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # OpenCV's threads want the cores
        self._session = onnxruntime.InferenceSession(
            onnx.of_any_size(model), options, providers=["CPUExecutionProvider"]
        )
        self._outputs = [f"{kind}_{stride}" for stride in STRIDES for kind in ("cls", "obj", "bbox", "kps")]

    def detect(self, image: RgbImage, least: float) -> Detections:
        """The faces in the picture's pixels, surest first, and none less sure than `least`, 0 to 1."""
        height, width = image.shape[:2]
        below, beside = -height % STRIDES[-1], -width % STRIDES[-1]
        view = cv2.copyMakeBorder(image, 0, below, 0, beside, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        blob = cv2.dnn.blobFromImage(view, swapRB=True)
        maps = self._session.run(self._outputs, {"input": blob})
        found = np.concatenate(
            [
                self._rows(maps[4 * level : 4 * level + 4], view.shape[1], stride, least)
                for level, stride in enumerate(STRIDES)
            ]
        )
        if not len(found):
            return found
        boxes, scores = found[:, :4].astype(np.int32), found[:, SCORE]
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), least, SAME_FACE_IOU, 1.0, MOST_PLACES)
        return np.asarray(found[np.asarray(kept, np.int32)], np.float32)

    @staticmethod
    def _rows(maps: list[NDArray[np.float32]], width: int, stride: int, least: float) -> Detections:
        """Rows of all places of one stride that are surely enough a face, as YuNet's head means its numbers: boxes by
        centre and by the logarithm of their sides, landmarks by offsets, all in strides."""
        sure, there, boxes, landmarks = (each[0] for each in maps)
        scores = np.sqrt(np.clip(sure[:, 0], 0, 1) * np.clip(there[:, 0], 0, 1))
        (places,) = np.nonzero(scores >= least)
        corner = np.stack(np.divmod(places, width // stride)[::-1], axis=1).astype(np.float32)  # x, y
        rows = np.empty((len(places), 15), np.float32)
        sides = np.exp(boxes[places, 2:]) * stride
        rows[:, :2] = (corner + boxes[places, :2]) * stride - sides / 2
        rows[:, 2:4] = sides
        rows[:, 4:SCORE] = ((landmarks[places].reshape(-1, 5, 2) + corner[:, None]) * stride).reshape(-1, 10)
        rows[:, SCORE] = scores[places]
        return rows
