"""Average precision of random boxes by pycocotools 2.0, as test/tasks/detect.test.ts holds ours against it.

    pip install pycocotools numpy; python test/tasks/reference.py > test/tasks/reference.json
"""

import contextlib
import io
import json

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SIZE = 256  # of the pictures, so that fractions of it are exact


def case(seed, pictures, classes, crowds, scores):
    rng = np.random.default_rng(seed)
    labels, found = [], []
    for _ in range(pictures):
        own, boxes = [], []
        for _ in range(rng.integers(0, 6)):
            x, y, w, h = (int(v) for v in rng.integers(8, 120, 4))
            crowd = bool(crowds and rng.random() < 0.2)
            own.append({"class": int(rng.integers(classes)), "box": [x, y, w, h], "crowd": crowd})
        for label in own:
            for _ in range(rng.integers(0, 3)):
                moved = [max(0, v + int(rng.integers(-9, 10))) for v in label["box"]]
                moved[2:] = [max(1, v) for v in moved[2:]]
                boxes.append({"class": label["class"] if rng.random() < 0.9 else int(rng.integers(classes)), "box": moved})
        for _ in range(rng.integers(0, 3)):
            boxes.append({"class": int(rng.integers(classes)), "box": [int(v) for v in rng.integers(1, 120, 4)]})
        # Few values, so that some are equal.
        for box in boxes:
            box["score"] = int(rng.integers(1, scores)) / scores
        boxes.sort(key=lambda box: -box["score"])
        labels.append(own)
        found.append(boxes)
    return {"labels": labels, "found": found}


def judged(given):
    annotations, detections = [], []
    for image, labels in enumerate(given["labels"], 1):
        for label in labels:
            x, y, w, h = label["box"]
            annotations.append({
                "id": len(annotations) + 1, "image_id": image, "category_id": label["class"] + 1,
                "bbox": [x, y, w, h], "area": w * h, "iscrowd": int(label["crowd"]),
            })
    for image, boxes in enumerate(given["found"], 1):
        for box in boxes:
            detections.append({"image_id": image, "category_id": box["class"] + 1, "bbox": box["box"], "score": box["score"]})
    classes = {a["category_id"] for a in annotations} | {d["category_id"] for d in detections}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {}, "annotations": annotations,
            "images": [{"id": i + 1, "width": SIZE, "height": SIZE} for i in range(len(given["labels"]))],
            "categories": [{"id": c, "name": str(c)} for c in sorted(classes)],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {"all": float(evaluation.stats[0]), "half": float(evaluation.stats[1])}


cases = []
for seed, pictures, classes, crowds, scores in [
    (1, 1, 1, False, 1000), (2, 8, 1, False, 1000), (3, 12, 3, False, 1000), (4, 12, 3, True, 1000), (5, 10, 2, True, 8), (6, 20, 5, True, 50),
]:
    given = case(seed, pictures, classes, crowds, scores)
    cases.append({**given, **judged(given)})
print(json.dumps({"size": SIZE, "cases": cases}, separators=(",", ":")))
